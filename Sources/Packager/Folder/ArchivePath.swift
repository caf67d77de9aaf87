import OCI

/// Where something is below the root of an image, in bytes as Linux compares them.
///
/// It has neither slashes at its ends nor `.` or `..` in it; the root itself is empty.
struct ArchivePath: Hashable, Comparable, Sendable {
    let bytes: [UInt8]

    private static let slash = UInt8(ascii: "/")

    static let root = ArchivePath(bytes: [])

    private init(bytes: [UInt8]) { self.bytes = bytes }

    init(_ components: some Collection<ArraySlice<UInt8>>) {
        bytes = Array(components.joined(separator: [Self.slash]))
    }

    /// Takes a path of ours, which is written as it should be.
    init(canonical path: String) { bytes = Array(path.utf8) }

    var isRoot: Bool { bytes.isEmpty }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    /// For messages: from the root, and fit for one line.
    var printable: String { ("/" + text).printable }

    var components: [ArraySlice<UInt8>] { bytes.split(separator: Self.slash) }

    /// The folder that it is in; nil for the root.
    var parent: ArchivePath? {
        guard !isRoot else { return nil }
        return ArchivePath(bytes: Array(bytes[..<(bytes.lastIndex(of: Self.slash) ?? 0)]))
    }

    static func < (left: ArchivePath, right: ArchivePath) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
