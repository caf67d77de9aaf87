import OCI
import Testing

@testable import Commands

@Suite("What commands print")
struct TerminalTests {
    @Test(
        "sizes in three digits, as docker shows them",
        arguments: [
            (Int64(0), "0 B"), (1, "1 B"), (999, "999 B"), (1000, "1.00 kB"), (1006, "1.01 kB"),
            (9994, "9.99 kB"),
            (9996, "10.0 kB"), (99_949, "99.9 kB"), (99_951, "100 kB"), (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (7_245_984, "7.25 MB"), (1_234_567_890, "1.23 GB"), (.max, "9.22 EB"),
        ]
    )
    func sizes(bytes: Int64, text: String) {
        #expect(bytes.byteText == text)
    }

    @Test("tables whose columns line up, with nothing behind the last")
    func tables() {
        var table = TextTable(header: ["A", "BB", "C"])
        table.append(["long", "x", "last"])
        table.append(["é", "", "-"])
        #expect(table.lines == ["A     BB  C", "long  x   last", "é         -"])
    }

    @Test(
        "no URL that a name could break out of",
        arguments: [
            ("a-b.c_d~e:1", "a-b.c_d~e:1"), ("a b", "a%20b"), ("/?&=%#", "%2F%3F%26%3D%25%23"),
            ("é\0", "%C3%A9%00"),
        ]
    )
    func urls(text: String, encoded: String) {
        #expect(URLText.encoded(text) == encoded)
    }
}
