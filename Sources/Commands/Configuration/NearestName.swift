import OCI

/// Finds the name that a mistyped one was probably meant to be.
enum NearestName {
    /// The candidate nearest to a name; the first of equals.
    ///
    /// Two names are compared as a whole and by their last component alone, because a setting in the wrong
    /// section is as common as a typing error. Case and the kind of separator count for nothing.
    ///
    /// - Parameters:
    ///   - name: What was written; only its first 64 characters count.
    ///   - candidates: The legal names, with components separated by dots.
    /// - Returns: nil if there are no candidates.
    static func find(_ name: String, among candidates: [String]) -> String? {
        let whole = Name(name)
        return candidates.map { (candidate: $0, distance: whole.distance(to: Name($0))) }
            .min { $0.distance < $1.distance }?.candidate
    }
}

private struct Name {
    private let whole: [UInt8]
    private let last: [UInt8]

    init(_ text: String) {
        // Longer than any key: the comparison takes time proportional to the square of the length.
        let text = text.unicodeScalars.prefix(64).map { String($0) }.joined().lowercased()
        self.whole = Self.bytes(text)
        self.last = Self.bytes(text.split(separator: ".").last ?? "")
    }

    /// A share of the letters that differ, from 0; a match of the last component alone counts a little less.
    func distance(to other: Name) -> Double {
        min(share(whole, other.whole), share(last, other.last) + 0.1)
    }

    private func share(_ source: [UInt8], _ target: [UInt8]) -> Double {
        Double(editDistance(source, target)) / Double(max(source.count, target.count, 1))
    }

    private static func bytes(_ text: some StringProtocol) -> [UInt8] {
        text.utf8.map { byte in
            [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: " ")].contains(byte)
                ? UInt8(ascii: "-") : byte
        }
    }
}
