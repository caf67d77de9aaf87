import Executables
import FoundationEssentials
import Glibc
package import OCI

/// The time zones of the world, compiled, as programs read them from one folder by their names.
package struct TimeZones: Hashable, Sendable {
    /// The folder and what is in it, in the order in which it stands in images; files that are the same but for their
    /// names are links to the first.
    let files: [BaseFile]
    /// Of these files as an archive has them, by which two images with different releases of the zones are told apart.
    package let digest: Digest
    /// How many names there are.
    package let count: Int

    /// Where systems keep them, and programs look first.
    package static let hostPath = "/usr/share/zoneinfo"

    /// The largest compiled zone; there is none of 4 KiB.
    private static let maximumFileSize: UInt64 = 65_536
    /// How many files and folders are looked at; there are not two thousand.
    private static let maximumCount = 10_000
    /// What all files may have together, which is kept in memory; they have less than one MiB.
    private static let maximumSize = 16_777_216
    /// Zones are in folders within folders, as in `America/Argentina/Ushuaia`.
    private static let maximumDepth = 4
    /// The zones once more, with and without leap seconds, and what is the host's own.
    private static let skipped: Set<String> = ["posix", "right", "posixrules", "localtime"]
    private static let magic = Array("TZif".utf8)

    /// Takes contents by their names, which are paths such as `Europe/Paris`.
    init(_ zones: [(name: String, contents: [UInt8])]) {
        var files: [BaseFile] = [
            .directory("usr"), .directory("usr/share"), .directory("usr/share/zoneinfo"),
        ]
        var folders: Set<String> = []
        var first: [[UInt8]: String] = [:]
        let sorted = zones.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for (name, contents) in sorted {
            let components = name.split(separator: "/").dropLast()
            for depth in components.indices {
                let folder = components[...depth].joined(separator: "/")
                if folders.insert(folder).inserted {
                    files.append(.directory("usr/share/zoneinfo/" + folder))
                }
            }
            let path = "usr/share/zoneinfo/" + name
            if let target = first[contents] {
                files.append(.hardLink(path, to: target))
            } else {
                first[contents] = path
                files.append(.file(path, contents))
            }
        }
        self.files = files
        count = zones.count
        digest = Digest(of: files.flatMap(\.archived))
    }

    /// Reads the zones below a folder, blocking; what is no compiled zone is skipped.
    package init(contentsOfFolder path: String) throws(TimeZonesError) {
        var zones: [(name: String, contents: [UInt8])] = []
        var (seen, size) = (0, 0)
        func read(_ folder: String, prefix: String, depth: Int) throws(TimeZonesError) {
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: folder)
            } catch {
                throw .unreadable
            }
            for name in names where Self.isZoneName(name) && !(depth == 0 && Self.skipped.contains(name)) {
                seen += 1
                guard seen <= Self.maximumCount else { throw .tooLarge }
                let file = "\(folder)/\(name)"
                if let contents = Self.zone(at: file) {
                    size += contents.count
                    guard size <= Self.maximumSize else { throw .tooLarge }
                    zones.append((prefix + name, contents))
                } else if depth < Self.maximumDepth, Self.isFolder(file) {
                    try read(file, prefix: "\(prefix)\(name)/", depth: depth + 1)
                }
            }
        }
        try read(path, prefix: "", depth: 0)
        guard !zones.isEmpty else { throw .noZones }
        self.init(zones)
    }

    /// Reads the host's own zones, blocking; nil where there are none.
    package static func ofHost(at path: String = hostPath) throws(TimeZonesError) -> TimeZones? {
        do {
            return try TimeZones(contentsOfFolder: path)
        } catch {
            guard error == .unreadable || error == .noZones else { throw error }
            return nil
        }
    }

    /// Letters, digits, dashes, underscores and plus signs, as zones are named; files of other kinds have dots.
    private static func isZoneName(_ name: String) -> Bool {
        name.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "_-+".utf8.contains($0) }
    }

    private static func zone(at path: String) -> [UInt8]? {
        let contents = try? FileByteSource.withFile(at: path) { file in
            file.size <= maximumFileSize ? try file.bytes(in: 0..<file.size) : []
        }
        guard let contents, contents.starts(with: magic) else { return nil }
        return contents
    }

    /// Whether there is a folder, which is not followed where it is a link: it may lead to one that holds it.
    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}

/// Why a folder has no time zones to give.
package enum TimeZonesError: Error, Hashable, Sendable {
    case unreadable
    case noZones
    case tooLarge
}

extension TimeZonesError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable: "it is no folder that can be read"
        case .noZones: "it has no compiled time zones (TZif)"
        case .tooLarge: "it has more in it than the time zones of the world"
        }
    }
}
