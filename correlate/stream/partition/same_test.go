package partition

import (
	"reflect"
	"testing"
	"time"

	"jitaudit/schemas"
)

// A change of any field of a record is one; what publication gives it is none.
func TestNoFieldOfARecordIsLeftOut(t *testing.T) {
	differs(t, sameGrant)
	differs(t, sameAssumption)
	differs(t, sameSession)
	differs(t, sameFinding)
	differs(t, sameUseRecord)
}

func differs[T any](t *testing.T, same func(a, b *T) bool) {
	typ := reflect.TypeFor[T]()
	t.Run(typ.Name(), func(t *testing.T) {
		if a, b := full[T](), full[T](); !same(a, b) {
			t.Fatal("two equal records differ")
		}
		places(typ, nil, func(path []int, name string) {
			a, b := full[T](), full[T]()
			change(reflect.ValueOf(b).Elem(), path)
			if same(a, b) {
				t.Errorf("%s is left out", name)
			}
		})
	})
}

// places calls do for each leaf: a path of fields, through pointers and the first
// elements of slices.
func places(typ reflect.Type, path []int, do func([]int, string)) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		do(path, typ.String())
		return
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Type == reflect.TypeFor[schemas.Meta]() {
			continue
		}
		places(f.Type, append(path[:len(path):len(path)], i), func(p []int, inner string) { do(p, f.Name+" "+inner) })
	}
}

func full[T any]() *T {
	v := new(T)
	fill(reflect.ValueOf(v).Elem())
	return v
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

func change(v reflect.Value, path []int) {
	for {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
			if v.Kind() == reflect.Slice {
				v = v.Index(0)
			} else {
				v = v.Elem()
			}
		}
		if len(path) == 0 {
			break
		}
		v, path = v.Field(path[0]), path[1:]
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Struct:
		v.Set(reflect.ValueOf(time.Unix(7, 0)))
	default:
		panic("a field of a kind that this test does not know: " + v.Type().String())
	}
}
