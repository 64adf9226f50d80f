package main

import (
	"strings"

	"github.com/tidwall/gjson"
)

type gjsonVector struct {
	Document text   `json:"document"`
	Path     string `json:"path"`
	Exists   bool   `json:"exists"`
	Value    text   `json:"value"`
}

// document → paths.
var gjsonTable = []struct {
	document string
	paths    []string
}{
	{`{"a":{"b":"deep","c.d":"dotted"},"a.b":"literal","x-y":"dash","":"empty","a|b":"pipe","st*r":"star","q?":"question","@at":"at","#":"hash","b\\c":"backslash"}`,
		[]string{"a.b", `a\.b`, "a", `a.c\.d`, "a.c.d", "a.x", "x-y", "", ".", "a.", ".a", `a\|b`, "a|b", `st\*r`, "st*r", `q\?`, "q?", `\@at`, "@at", `\#`, "#", `b\\c`, "a..b", "A.B", "a.b.c"}},
	{`{"arr":[1,"two",{"k":"v1","n":10},{"k":"v2","n":20},null,[7,8]],"empty":[],"obj":{"2":"two","0":"zero"}}`,
		[]string{"arr", "arr.0", "arr.1", "arr.2", "arr.2.k", "arr.4", "arr.5.1", "arr.6", "arr.-1", "arr.01", "arr.1x", "arr.#", "arr.#.k", "arr.#.n", "arr.#.missing", "empty.#", "empty.0", "empty", "obj.2", "obj.0", "obj.1", "arr.99999999999999999999", "arr.5.#", "obj.#"}},
	{`{"users":[{"name":"ann","age":31,"tags":["a","b"]},{"name":"bob","age":27,"tags":["b"]},{"name":"cy","age":31,"tags":[]}]}`,
		[]string{`users.#(name=="bob").age`, `users.#(age>30).name`, `users.#(age>30)#.name`, `users.#(age>=27)#.name`, `users.#(age<0)#`, `users.#(age<0)`, `users.#(name%"b*")#.name`, `users.#(name!%"b*")#.name`, `users.#(name!="ann").name`, `users.#(tags.#(=="b"))#.name`, `users.#(age==31)#|#`, `users.#(age==31)#|0.name`, `users.#(name=="zed").age`, `users.#(nope=="x")`, `users.#(name=bob).age`, `users.#(`, `users.#(name==`, `users.#()`, `users.#.tags.0`, `users.#.tags|0`, `users.#.tags|@flatten`, `users.#(age>~true)#.name`, `users.#(nope==~false)#.name`, `users.#(name==~true)#.name`, `users.#[name="ann"].age`, `users.#.name|@join`, `users.1.name|@this`}},
	{`{"a1":"one","a2":"two","b1":"three","sub":{"a1":"four","a22":"five"}}`,
		[]string{"a*", "a?", "*1", "*", "?1", "sub.*2", "sub.a??", "b*.x", "s*.a1", "z*", `a\*`, "**", "*.*"}},
	{`{"a":{"b":1,"c":[1,2,3]},"s":"text","n":1.5,"t":true,"z":null}`,
		[]string{"{a.b,s}", `{"x":a.b,"y":s}`, "[a.b,s,t]", "[a.c.0,a.c.#]", "{a.b,zz}", "{}", "[]", "{a.b", "[z]", "{z,n}", `{"k":missing}`, "a.{b}", "a.[b,c.1]", "{s,s}", "[a.c|@reverse,t]", `!"lit"`, `{"a":!"lit","b":!5}`, `{s,"v":!true}`}},
	{` { "b" : [ 3, 1.50 , 2 ] , "a" : { "y" : 1 , "x" : "<&>" } , "s":"str" , "n": {"deep":[[1,[2]],[3]]} } `,
		[]string{"@this", "@ugly", "@pretty", "a|@ugly", "a.@ugly", "b|@reverse", "b.@reverse", "a.@reverse", "@keys", "a|@keys", "@values", "a.@values", "b|@keys", "@valid", "@flatten", "n.deep.@flatten", `n.deep.@flatten:{"deep":true}`, `[a,n].@join`, "s|@tostr", "a.@tostr", "a|@tostr|@fromstr", "s|@fromstr", "@group", "@nope", "a|@nope", "@pretty:{\"sortKeys\":true}", "b.@this.1", "@dig:deep", "n.@dig:deep", "..", "b|@reverse|0", "a.x|@tostr", "@this|a.y", "a|y", "a|@this|x", "s|@hex", "@ugly|@tostr"}},
	{`{"s":"a\"b\\c\/d\b\f\n\r\t","u":"\u00e9\ud83d\udd11","lone":"\ud83d!","low":"\udd11","nul":"\u0000","html":"<>&","raw":"é🔑","k\u0065y":"escaped name"}`,
		[]string{"s", "u", "lone", "low", "nul", "html", "raw", "key", `k\u0065y`}},
	{`{"bad":"\uZZZZ","x":"\x41"}`, []string{"bad", "x"}},
	{`{"tab":"	raw tab"}`, []string{"tab"}},
	{`{"i":12345678901234567890,"neg":-7,"f":1.50,"e":1e3,"E":1E+2,"small":0.1e-7,"zero":0,"mz":-0,"mzf":-0.0,"big":1e21,"huge":1e999,"nhuge":-1e999,"max":9007199254740993,"dec":0.30000000000000004,"long":3.141592653589793238462643,"tiny":5e-324,"under":1e-400,"int":1.0,"e0":1e0,"i64":9223372036854775807,"i65":-9223372036854775809,"f53":9007199254740993.0,"t":true,"f_":false,"n":null}`,
		[]string{"i", "neg", "f", "e", "E", "small", "zero", "mz", "mzf", "big", "huge", "nhuge", "max", "dec", "long", "tiny", "under", "int", "e0", "i64", "i65", "f53", "t", "f_", "n"}},
	{`{"lead":007,"plus":+1,"dot":.5,"dotend":5.,"nan":NaN,"inf":Infinity,"hex":0x10,"us":1_000,"bare":abc,"tr":tru}`,
		[]string{"lead", "plus", "dot", "dotend", "nan", "inf", "hex", "us", "bare", "tr"}},
	{`{"a":"first","a":"second","o":{"x":1},"o":{"y":2}}`, []string{"a", "o.x", "o.y", "o"}},
	{"{ \"o\" : { \"k\" : [ 1 ,\n 2 ] } , \"l\" : [ { } , [ ] ] }", []string{"o", "o.k", "l", "l.0", "l.1"}},
	{`[{"k":"v"},"x",3,null]`, []string{"0", "0.k", "1", "3", "4", "#", "#.k", "k", "", "@this", "@reverse", "..0", "..#", "..0.k", "..1", "*"}},
	{"{\"k\":\"v1\"}\n{\"k\":\"v2\"}\n[3]\n", []string{"..#", "..0.k", "..1.k", "..#.k", "..2.0", "k", "..#(k==\"v2\").k"}},
	{`"just a string"`, []string{"", "a", "@this", "0", "*"}},
	{`42`, []string{"@this", "a", "#"}},
	{`null`, []string{"@this", "a"}},
	{`not json at all`, []string{"a", "@this", "not", "@valid", "*", "0"}},
	{``, []string{"a", "", "@this", "#"}},
	{`   `, []string{"a", "@this"}},
	{`{`, []string{"a", "@this"}},
	{`{"a":1`, []string{"a", "b", "@valid"}},
	{`{"a":"unterminated`, []string{"a"}},
	{`{"a":1}}}} trailing`, []string{"a", "@valid", "@this"}},
	{`{'a':'single'}`, []string{"a"}},
	{`{a:1}`, []string{"a"}},
	{"key: yaml\nb: 2", []string{"key", "b"}},
	{`junk {"a":1}`, []string{"a"}},
	{`{"a" 1}`, []string{"a"}},
	{`{"a":,"b":2}`, []string{"a", "b"}},
	{`{"é":"accent","日本":"jp","🔑":"emoji","a b":"space"}`, []string{"é", "日本", "🔑", "a b", "日*", "?", "??"}},
	{"{\"bin\":\"\xff\x00ok\"}", []string{"bin"}},
	{"{\"bin\":\"\xff\xfeok\",\"l1\":\"caf\xe9\",\"esc\":\"\xff\\n\",\"\xfe\":\"bad name\",\"o\":{\"x\":\"\x80\"}}", []string{"bin", "l1", "esc", "o", "o.x", "@this", "@ugly", "@tostr"}},
	{"\xef\xbb\xbf{\"a\":\"bom\"}", []string{"a"}},
	{"\x00\x01\x02", []string{"a", "@this"}},
	{`{"a":{"b":{"c":{"d":{"e":"five"}}}}}`, []string{"a.b.c.d.e", "a|b|c|d|e", "a.b|c.d|e", "a.*.c.*.e", "a.b.c.d.e.f"}},
	{`{"fav.movie":"Deer Hunter","children":["Sara","Alex"],"name":{"first":"Tom","last":"Anderson"}}`, []string{`fav\.movie`, "name.last", "children.1", "child*.2", "c?ildren.0", "children|@reverse", "children|@reverse|0", `children.@case:upper`, "name.{first,\"n\":last}", "{name.first,children.#}"}},
	{`{"json":"{\"inner\":{\"k\":\"v\"}}","b64":"eyJhIjoxfQ=="}`, []string{"json", "json.inner", "json|@fromstr", "json|@fromstr|inner.k", "json.@fromstr.inner.k", "b64"}},
	{`{"tls":{"tls.crt":"CRT","tls.key":"KEY"},"list":["a.b","c"]}`, []string{`tls.tls\.crt`, "tls.tls.crt", `tls.tls\.*`, "list.0"}},
}

func gjsonVectors() []gjsonVector {
	var vectors []gjsonVector
	add := func(document, path string) {
		result := gjson.GetBytes([]byte(document), path)
		vectors = append(vectors, gjsonVector{text(document), path, result.Exists(), text(result.String())})
	}
	for _, row := range gjsonTable {
		for _, path := range row.paths {
			add(row.document, path)
		}
	}
	add(strings.Repeat(`{"a":`, 200)+`1`+strings.Repeat(`}`, 200), strings.Repeat("a.", 199)+"a")
	add(`{"`+strings.Repeat("k", 5000)+`":"long name"}`, strings.Repeat("k", 5000))
	add(`{"v":"`+strings.Repeat("v", 5000)+`"}`, "v")
	return vectors
}
