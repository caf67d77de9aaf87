import Testing

@testable import Storage

@Suite("The table of mounts")
struct MountTableTests {
    /// Fields as proc_pid_mountinfo(5) has them.
    static func line(
        _ id: Int,
        _ parent: Int,
        _ mountPoint: String,
        _ type: String,
        optional: String = ""
    ) -> String {
        "\(id) \(parent) 8:1 / \(mountPoint) rw,relatime \(optional)- \(type) /dev/sda1 rw"
    }

    static let machine = [
        line(20, 1, "/", "ext4", optional: "shared:1 "),
        line(21, 20, "/proc", "proc", optional: "shared:12 master:3 "),
        line(22, 20, "/data", "xfs"),
        line(23, 22, "/data/nfs", "nfs4"),
        line(24, 23, "/data/nfs/local", "btrfs"),
        line(25, 20, "/home", "autofs"),
        line(26, 25, "/home", "nfs"),
        line(27, 20, #"/mnt/with\040space\011tab\134slash"#, "cifs"),
        line(28, 20, "/datafiles", "overlay"),
    ]
    .joined(separator: "\n")

    @Test(
        "finds the mount that a folder lies on",
        arguments: [
            ("/", "ext4"), ("/x", "ext4"), ("/srv/berth", "ext4"), ("/data", "xfs"), ("/data/", "xfs"),
            ("/data/nf", "xfs"), ("/data/nfs", "nfs4"), ("/data/nfs/a/b", "nfs4"),
            ("/data/nfs/local", "btrfs"),
            ("/data/nfs/local/x", "btrfs"), ("/data/nfs/localx", "nfs4"), ("/home", "nfs"),
            ("/home/me", "nfs"),
            ("/homes", "ext4"), ("/mnt/with space\ttab\\slash/x", "cifs"), ("/mnt/with", "ext4"),
            ("/datafiles/x", "overlay"), ("/datafile", "ext4"),
        ]
    )
    func lookUp(_ folder: String, _ type: String) {
        #expect(MountTable(text: Self.machine).fileSystem(of: folder) == type)
    }

    @Test("sees what was mounted last on the same folder, whatever stands below in the table")
    func onTop() {
        let stacked = [
            Self.line(1, 0, "/", "rootfs"), Self.line(2, 1, "/", "overlay"), Self.line(3, 2, "/srv", "ext4"),
            Self.line(4, 3, "/srv", "nfs4"),
        ]
        for table in [stacked, stacked.reversed()] {
            let mounts = MountTable(text: table.joined(separator: "\n"))
            #expect(mounts.fileSystem(of: "/srv/x") == "nfs4")
            #expect(mounts.fileSystem(of: "/tmp") == "overlay")
        }
    }

    @Test("is not misled by a mount that a later one hides")
    func hidden() {
        let mounts = MountTable(
            text: [
                Self.line(1, 0, "/", "ext4"), Self.line(2, 1, "/data/berth", "ext4"),
                Self.line(3, 1, "/data", "nfs"),
            ]
            .joined(separator: "\n")
        )
        #expect(mounts.fileSystem(of: "/data/berth/storage") == "nfs")
    }

    @Test("finds what there is where the root is not in the table, as in a chroot")
    func withoutRoot() {
        let mounts = MountTable(
            text: [Self.line(5, 99, "/srv", "ext4"), Self.line(6, 5, "/srv/x", "nfs")].joined(separator: "\n")
        )
        #expect(mounts.fileSystem(of: "/srv/x/y") == "nfs")
        #expect(mounts.fileSystem(of: "/srv/y") == "ext4")
        #expect(mounts.fileSystem(of: "/tmp") == nil)
    }

    @Test(
        "makes nothing of lines that are none",
        arguments: [
            "", "\n\n", "1", "1 2 3 4 5 6 7", "1 0 8:1 / / rw -", "1 0 8:1 / / rw - ", "- - - - - - -",
            "1 0 8:1 / / rw shared:1 master:2", #"1 0 8:1 / \777 rw - ext4 x rw"#,
            #"1 0 8:1 / /a\04 rw - ext4 x rw"#,
        ]
    )
    func malformed(_ text: String) { #expect(MountTable(text: text).fileSystem(of: "/srv") == nil) }

    @Test("ends where the table leads in a circle")
    func circle() {
        let mounts = MountTable(
            text: [Self.line(1, 2, "/", "ext4"), Self.line(2, 1, "/", "xfs"), Self.line(3, 3, "/", "tmpfs")]
                .joined(separator: "\n")
        )
        #expect(mounts.fileSystem(of: "/srv") == "tmpfs")
    }

    @Test("of this machine says what lies under its root and under /proc")
    func current() {
        #expect(MountTable.current.fileSystem(of: "/proc/self") == "proc")
        #expect(MountTable.current.fileSystem(of: "/") != nil)
    }

    @Test(
        "knows network file systems by name",
        arguments: ["nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.sshfs"]
    )
    func network(_ type: String) { #expect(MountTable.networkFileSystems.contains(type)) }
}
