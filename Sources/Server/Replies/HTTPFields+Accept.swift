import HTTPTypes

extension HTTPFields {
    /// Whether a client names JSON among what it accepts.
    ///
    /// `*/*` does not.
    var prefersJSON: Bool {
        self[values: .accept].contains { line in
            line[...].split(at: UInt8(ascii: ",")).contains { range in
                range.split(at: UInt8(ascii: ";"))[0].trimmed.lowercased() == "application/json"
            }
        }
    }
}

extension Substring {
    /// The text without the white space that RFC 9110 allows around the elements of a list.
    var trimmed: Substring {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let start = utf8.firstIndex { !isSpace($0) } ?? endIndex
        let end = utf8[start...].lastIndex { !isSpace($0) }.map(utf8.index(after:)) ?? start
        return self[start..<end]
    }
}
