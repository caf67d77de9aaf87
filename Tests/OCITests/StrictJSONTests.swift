import Testing

@testable import OCI

@Suite("JSON that readers disagree about")
struct StrictJSONTests {
    @Test(
        "is refused: keys that stand twice, in any spelling that some reader takes for the same",
        arguments: [
            #"{"layers":[],"layers":[1]}"#, #"{"layers":[],"Layers":[1]}"#,
            #"{"layers":[],"l\u0061yers":[1]}"#,
            #"{"a":{"b":1,"b":2}}"#, #"{"a":[{"x":1},{"b":1,"B":2}]}"#, #"{"a":1 , "b" : {} , "a" :2}"#,
            #"{"a\"":1,"a\"":2}"#, #"{"annotations":{"k":"1","k":"2"}}"#, #"{"a":{"annotations":{}},"A":1}"#,
            #"{"\ud83d\ude00":1,"\uD83D\uDE00":2}"#, "{\"\\ud83d\\ude00\":1,\"\u{1F600}\":2}",
            #"{"a\t":1,"a\u0009":2}"#,
            #"{"layers":[],"layer\u017f":[1]}"#, "{\"layers\":[],\"layer\u{17F}\":[1]}",
            "{\"\u{212A}ey\":1,\"key\":2}",
            #"{"x":["annotations",{"a":1,"A":2}]}"#, #"{"annotations":[{"a":1,"A":2}]}"#,
        ]
    )
    func duplicates(json: String) {
        let error = #expect(throws: ManifestError.self) { try StrictJSON.check(Array(json.utf8)) }
        #expect(error?.description.contains("stands twice") == true, "\(String(describing: error))")
    }

    @Test(
        "is refused: other encodings, and nesting without end",
        arguments: [
            [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00], [0x00, 0x7B, 0x00, 0x7D],
            Array(#"{"a":""#.utf8) + [0xFF] + Array(#""}"#.utf8), Array(repeating: 0x5B, count: 129),
            Array(#"{"a"#.utf8), Array(#"{"a\"#.utf8), Array(#"{"\u12"#.utf8), Array(#"{"\uzzzz":1}"#.utf8),
        ]
    )
    func encodings(bytes: [UInt8]) {
        #expect(throws: ManifestError.self) { try StrictJSON.check(bytes) }
    }

    @Test(
        "is not what merely looks alike",
        arguments: [
            #"{"a":{"b":1},"b":{"b":1}}"#, #"[{"a":1},{"a":1}]"#, #"{"a":"a\":1,\"a"}"#,
            #"{"annotations":{"k":"1","K":"2"}}"#,
            #"{"a":["a","a","a"]}"#, "", "7", #""a""#, #"{"\ud83d\ude00":1,"\ud83d\ude01":2}"#,
        ]
    )
    func accepted(json: String) throws {
        try StrictJSON.check(Array(json.utf8))
    }

    @Test(
        "is refused: strings and numbers that are none, also where nobody reads them",
        arguments: [
            "[\"a\n\"]", "[\"\u{1}\"]", #"["\x"]"#, #"["\u+123"]"#, #"["\U0041"]"#, "[01]", "[-]", "[1.]",
            "[.5]", "[1e]",
            "[1e+]", "[1e9e9]", "[1.2.3]", "[--1]", "[1-2]", "[-a]", "[0x1]", "[-01]",
        ]
    )
    func broken(json: String) {
        let document = Array(
            #"{"config":{"mediaType":"a/b","digest":"a:b","size":1},"layers":[],"x":\#(json)}"#.utf8
        )
        #expect(throws: ManifestError.self) { try Manifest(parsing: document, contentType: nil) }
    }

    @Test(
        "is accepted: every number and escape that there is",
        arguments: [
            "0", "-0", "12", "-1.50", "1e9", "1E+09", "0.1e-1", "1e400",
            #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800""#,
        ]
    )
    func unbroken(json: String) throws {
        let document = Array(
            #"{"config":{"mediaType":"a/b","digest":"a:b","size":1},"layers":[],"x":[\#(json)]}"#.utf8
        )
        _ = try Manifest(parsing: document, contentType: nil)
    }

    @Test("costs no crash, whatever the bytes")
    func randomBytes() {
        let seed = UInt64.random(in: 1...(.max))
        var generator = SplitMix(seed: seed)
        let alphabet = Array(#"{}[]":,\ua1A "#.utf8)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            try? StrictJSON.check(bytes)
        }
    }
}
