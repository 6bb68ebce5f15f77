package schemas

import "embed"

// JSON holds a JSON Schema (draft 2020-12) for each record, as
// json/RECORD.schema.json.
//
//go:embed json/*.schema.json
var JSON embed.FS
