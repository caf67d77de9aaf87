import Glibc

/// Which file system lies under which folder.
///
/// - SeeAlso: proc_pid_mountinfo(5)
struct MountTable: Sendable {
    /// The content of `/proc/self/mountinfo`.
    private let text: String

    init(text: String) { self.text = text }

    /// This process's.
    ///
    /// Empty where `/proc` is not mounted.
    static var current: MountTable {
        var text: [UInt8] = []
        if let file = fopen("/proc/self/mountinfo", "r") {
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
                text.append(contentsOf: buffer[..<count])
            }
            fclose(file)
        }
        return MountTable(text: String(decoding: text, as: UTF8.self))
    }

    /// The types whose files another machine may change or lock.
    static let networkFileSystems: Set<String> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs",
        "lustre",
    ]

    /// The type of the file system that holds a folder, such as `ext4`; nil where the table does not say.
    func fileSystem(of folder: String) -> String? {
        // By path rather than by device number: network and overlay mounts report numbers that stand in no table.
        var best: (length: Int, type: String)?
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else {
                continue
            }
            let mountPoint = Self.unescape(fields[4])
            let isAbove = mountPoint == "/" || folder == mountPoint || folder.hasPrefix(mountPoint + "/")
            // Of two mounts on one folder the later one is on top.
            if isAbove, mountPoint.utf8.count >= best?.length ?? 0 {
                best = (mountPoint.utf8.count, String(fields[dash + 1]))
            }
        }
        return best?.type
    }

    /// Blanks, tabs, newlines and backslashes are written as three octal digits.
    private static func unescape(_ field: Substring) -> String {
        var result: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                result.append(code)
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
