package main

import (
	"strings"

	"sigs.k8s.io/yaml"
)

type yamlVector struct {
	Text    text            `json:"text"`
	Error   string          `json:"error,omitempty"`
	Members map[string]text `json:"members"`
}

// Values of one member, "k: " before each.
var yamlValues = []string{
	"text", "5432", "-7", "+7", "0", "-0", "1.50", "1.0", ".5", "5.", "1e3", "1E3", "1e+3", "1e21", "1.5e300", "-1.5e-7", "0.1e-7", "1e999",
	"0x10", "0xFF", "010", "0o10", "08", "0b11", "-0x10", "1_000", "1_0.5", "190:20:30", "12345678901234567890", "18446744073709551616",
	"123456789012345678901234567890", "9007199254740993", "3.141592653589793238", "0.30000000000000004", "16777217.0", "33554433.5",
	".inf", "-.inf", ".nan", ".Inf", "NaN", "yes", "Yes", "YES", "yEs", "no", "on", "off", "y", "n", "Y", "true", "True", "TRUE", "false",
	"null", "Null", "~", "", "''", `""`, "'yes'", `"5432"`, `"a\nb\t\u00e9\x41\"\\"`, `"\/"`, `'it''s'`, "a b  c", "a # comment", "a#b", "'a # b'",
	"2001-01-01", "2001-12-14t21:59:43.10-05:00", "!!str yes", "!!str 010", "!!str", "!!int 5", "!!int '5'", "!!float 5", "!!float 1.50", "!!bool yes",
	"!!null x", "!!null ''", "!!binary aGVsbG8=", "!!binary '/w=='", "!!binary |\n aGVs\n bG8=", "!!binary '@@'", "!!int x", "!!float x", "!!bool x",
	"!local x", "!local 5", "!!timestamp 2001-01-01", "|\n  a\n  b\n", "|-\n  a\n  b\n", "|+\n  a\n\n", ">\n  a\n  b\n\n  c\n", ">-\n  a\n  b\n", "|2\n   a\n",
	"plain\n  continued", "'quoted\n  continued'", `"quoted\n  \` + "\n  continued\"", "[1]", "[]", "{}", "{a: b}", "\n  a: b", "\n- a", "é日🔑", "<&>", "\u0085", "\u2028", "a: b",
	"- a", "'open", `"open`, `"\q"`, "@at", "`tick", "%percent", "*alias", "&anchor x", "!", "? x", "a\tb", "\ttab", "=", "<<", "1,000", "$1", "{{ .x }}", "${x}", "a\x00b", "a\xffb", "a\x07b", "\ufeff",
}

var yamlTexts = []string{
	"", " ", "\n", "# only a comment\n", "null", "~", "{}", "[]", "x", "5", "- a\n- b", "[a]", "'x'", "---", "---\n", "--- x", "...", "{a: b, c: 1}", "{a: b,}", "{a}", "{a: }", "{a: b", "a", "a:", "a:b", "a :b", "a : b",
	"a: 1\nb: 2\n", "b: 2\na: 1\nB: 3\n", "a: 1\n a: 2", "  a: 1\n  b: 2", "a: 1\n  b: 2", "a: 1\na: 2", "a: x\n\"a\": y", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2",
	"a: b\n---\nc: d", "a: b\n...\nc: d", "---\na: b\n---\n- x", "a: b\n---\n[", "%YAML 1.1\n---\na: b", "%YAML 1.2\n---\na: b", "%YAML 9.9\n---\na: b", "%TAG ! tag:x,2000:\n---\na: !y b", "%FOO bar\n---\na: b",
	"true: x", "yes: x", "y: x", "no: x", "null: x", "~: x", "5: x", "010: x", "1.50: x", "1e3: x", "0x10: x", ".inf: x", ".nan: x", "\"\": x", ": x", "? a\n: b", "? [a]\n: b", "? {a: b}\n: c", "? |\n  a\n: b", "!!binary YQ==: x", "!!str 5: x", "2001-01-01: x", "é: x", "a b: x", "a.b/c: x",
	"a: &x 1\nb: *x", "a: &x [1]\nb: *x", "a: &x {k: v}\nb: *x", "&k a: b\nc: *k", "a: *x", "a: &x *x", "<<: {a: b}\nc: d", "<<: [{a: 1}, {a: 2, b: 3}]", "base: &b {a: 1}\n<<: *b", "<<: x", "<<: [1]", "'<<': x", "\"<<\": {a: b}",
	"\ta: b", "a:\tb", "a:\n\tb", "a: b\n\t", "a: b\n\tc: d", "a: |\n\tb", "a: b\nc: d: e", "a: b\n c", "a: 'b\nc: d", "a: b\n- c", "- a\nb: c", "a: [b\nc: d", "a: }\n", "a: b # c\n# d\ne: f", "a: b\n\n\n\nc: d\n\n", "\ufeffa: b", "\xff\xfea\x00:\x00 \x00b\x00", "\xfe\xff\x00a\x00:\x00 \x00b", "a: \"b\" c", "a: 'b' c", "a: b: c", "a: b\nb", "a: |\n  x\n y", "a: >\n  folded\n  text\nb: |\n  keep\n    indent\n", "a: 1\nb: [1\n", "key with spaces: v", "? \n: x", "a: !<tag:yaml.org,2002:str> 5", "a: !!foo 5", "a: !!map {}", "a: !!seq []", "a: !!set {x}",
}

func yamlVectors() []yamlVector {
	inputs := append([]string{}, yamlTexts...)
	for _, value := range yamlValues {
		inputs = append(inputs, "k: "+value)
	}
	laughs := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for name := 'b'; name <= 'i'; name++ {
		before := string(name - 1)
		laughs += string(name) + ": &" + string(name) + " [" + strings.TrimSuffix(strings.Repeat("*"+before+",", 10), ",") + "]\n"
	}
	inputs = append(inputs, laughs, strings.Repeat("[", 10001), strings.Repeat("- ", 10001)+"a", "k: "+strings.Repeat("v", 10000), strings.Repeat("k", 2000)+": v")
	var vectors []yamlVector
	for _, input := range inputs {
		vector := yamlVector{Text: text(input)}
		var members map[string]string
		if err := yaml.Unmarshal([]byte(input), &members); err != nil {
			vector.Error = strings.ToValidUTF8(err.Error(), "?")
		} else {
			vector.Members = texts(members)
		}
		vectors = append(vectors, vector)
	}
	return vectors
}
