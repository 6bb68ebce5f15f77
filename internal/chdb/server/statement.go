package server

import "strings"

// kind is what the handler has to know of a statement.
type kind int

const (
	other      kind = iota // runs to its end before anything is answered
	query                  // a SELECT, which can be streamed
	insertData             // an INSERT whose data comes behind it
)

// statement is SQL, taken apart no further than sending it on demands.
type statement struct {
	kind   kind
	text   string // of an insertData, up to its data or FORMAT
	format string // that it names, of the answer or the data; "" for none
	values bool   // its data is VALUES, which may hold expressions
	rest   string // of an insertData, the data that stood in the same text
}

// parseStatement takes a statement apart. It refuses what ClickHouse's HTTP
// interface refuses and the engine would do: several statements in one, and
// files on this machine as source or target.
func parseStatement(text string) (statement, error) {
	l := &lexer{text: text}
	first := l.next()
	for first.is("(") {
		first = l.next()
	}
	switch {
	case first.end == first.start:
		return statement{}, fault(codeSyntax, "Syntax error: Empty query")
	case first.is("INSERT"):
		return parseInsert(text, l)
	}
	st := statement{kind: other, text: text}
	if first.is("SELECT") || first.is("WITH") || first.is("FROM") {
		st.kind = query
	}
	return st, st.scan(&lexer{text: text}, first)
}

// scan looks at the top level of a statement to its end.
func (st *statement) scan(l *lexer, first token) error {
	var before, t token
	for {
		before, t = t, l.nextOnTop()
		switch {
		case t.end == t.start:
			return nil
		case t.is(";"):
			if after := l.next(); after.end > after.start {
				return fault(codeSyntax, "Syntax error: Multi-statements are not allowed")
			}
		case t.is("INTO") && l.peek().is("OUTFILE"):
			return fault(codeNotImplemented, "INTO OUTFILE is not allowed; the client has to write the file")
		case t.is("SYNC") && (first.is("DROP") || first.is("KILL")) && !namesNext(before):
			return fault(codeNotImplemented, "%s … SYNC hangs in the embedded ClickHouse; leave SYNC out", first.text)
		case t.is("INSERT") && first.is("WITH"):
			st.kind = other
		case t.is("FORMAT"):
			if name := l.peek(); name.word {
				ahead := *l
				ahead.next()
				if after := ahead.next(); after.end == after.start || after.is(";") || after.is("SETTINGS") {
					st.format = name.text
				}
			}
		}
	}
}

// namesNext reports whether what follows a token of a DROP is a name.
func namesNext(before token) bool {
	return before.is("TABLE") || before.is("EXISTS") || before.is("DATABASE") || before.is("VIEW") || before.is("DICTIONARY") || before.is(".")
}

// parseInsert goes on behind INSERT.
func parseInsert(text string, l *lexer) (statement, error) {
	whole := statement{kind: other, text: text}
	t := l.next()
	if t.is("INTO") {
		t = l.next()
	}
	if t.is("TABLE") || t.is("FUNCTION") {
		t = l.next()
	}
	for l.peek().is(".") { // t is a part of the table's name
		l.next()
		t = l.next()
	}
	for {
		t = l.nextOnTop()
		switch {
		case t.end == t.start:
			return whole, nil // the engine says what is missing
		case t.is("FROM") && l.peek().is("INFILE"):
			return whole, fault(codeNotImplemented, "FROM INFILE is not allowed; the client has to send the file's content")
		case t.is("SELECT"), t.is("WITH"), t.is("FROM"), t.is("WATCH"), t.is(";"):
			return whole, whole.scan(&lexer{text: text}, t)
		case t.is("VALUES"):
			return statement{kind: insertData, text: text[:t.start], format: "Values", values: true, rest: text[t.end:]}, nil
		case t.is("FORMAT"):
			return insertFormat(text, t.start, l.next())
		}
	}
}

// insertFormat is an INSERT whose data begins behind the name of its format. The
// blanks up to a line's end belong to the statement, as ClickHouse's
// ParserInsertQuery.cpp has it.
func insertFormat(text string, end int, name token) (statement, error) {
	if !name.word {
		return statement{}, fault(codeSyntax, "Syntax error: the name of a format must follow FORMAT")
	}
	rest := strings.TrimLeft(text[name.end:], " \t\f")
	if strings.HasPrefix(rest, ";") {
		return statement{}, fault(codeSyntax, "You have excessive ';' symbol before data for INSERT")
	}
	if next := (&lexer{text: rest}).next(); next.is("SETTINGS") {
		return statement{}, fault(codeSyntax, "SETTINGS must stand before FORMAT in an INSERT")
	}
	rest = strings.TrimPrefix(rest, "\r")
	rest = strings.TrimPrefix(rest, "\n")
	return statement{
		kind: insertData, text: text[:end], format: name.text, values: strings.EqualFold(name.text, "Values"), rest: rest,
	}, nil
}
