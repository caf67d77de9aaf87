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
    ///
    /// By path rather than by device number: network and overlay mounts report numbers that stand in no table.
    func fileSystem(of folder: String) -> String? {
        // As the kernel walks: from the root, at each folder into whatever is mounted there. So the nearest mount on
        // the way counts, and what it hides is not found.
        let mounts = text.split(separator: "\n").compactMap(Mount.init)
        let identifiers = Set(mounts.map(\.id))
        var candidates = mounts.filter { !identifiers.contains($0.parent) || $0.parent == $0.id }
        var current: Mount?
        // A table that leads in a circle is none; the number of steps is bounded for it.
        for _ in mounts.indices {
            let next = candidates.reversed().filter { $0.isAbove(folder) }
                .min { $0.mountPoint.utf8.count < $1.mountPoint.utf8.count }
            guard let next else { break }
            current = next
            candidates = mounts.filter { $0.parent == next.id && $0.id != next.id }
        }
        return current?.type
    }
}

/// One line of the table.
private struct Mount {
    let id: Substring
    let parent: Substring
    let mountPoint: String
    let type: String

    /// Nil for a line that is not like those of the manual page.
    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 6, let dash = fields[6...].firstIndex(of: "-"), dash + 1 < fields.count else {
            return nil
        }
        id = fields[0]
        parent = fields[1]
        mountPoint = Self.unescape(fields[4])
        type = String(fields[dash + 1])
    }

    func isAbove(_ folder: String) -> Bool {
        mountPoint == "/" || folder == mountPoint || folder.hasPrefix(mountPoint + "/")
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
