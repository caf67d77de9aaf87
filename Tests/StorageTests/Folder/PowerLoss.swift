import Foundation
import OCI
import TestSupport
import Testing

@testable import Storage

/// What the disk holds after a loss of power, given what was flushed before.
///
/// Of the database's log, what was written behind the last durable commit is gone. Of each blob that was not synced,
/// any part of its bytes or its name may be gone; and a blob that was removed may be back.
final class PowerLoss: Sendable {
    private let path: String
    private let files: FaultyFileOperations
    private let graveyard: String
    private let logSize = Shared(0)

    /// Watches a folder.
    ///
    /// `graveyard`: an empty folder, for blobs that are removed and might come back.
    init(of path: String, files: FaultyFileOperations, graveyard: String) throws {
        self.path = path
        self.files = files
        self.graveyard = graveyard
        try FileManager.default.createDirectory(atPath: graveyard, withIntermediateDirectories: true)
        files.observe { [path] call in
            guard call.path.hasPrefix("\(path)/blobs/") else { return }
            switch call.operation {
            case .remove: link(call.path, Self.grave(of: call.path, in: graveyard))
            case .syncFolder: try? Self.clear(graveyard)
            default: break
            }
        }
    }

    private static func grave(of path: String, in graveyard: String) -> String {
        graveyard + "/" + path.split(separator: "/").suffix(2).joined(separator: ":")
    }

    private static func clear(_ folder: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    /// Notes that everything that is committed now survives.
    func noteDurableCommit() throws { logSize.update { $0 = (try? sizeOfLog()) ?? 0 } }

    /// Where the valid part of the log ends.
    ///
    /// - SeeAlso: https://www.sqlite.org/fileformat2.html, "WAL File Format"
    private func sizeOfLog() throws -> Int {
        let log = try Data(contentsOf: URL(filePath: "\(path)/berth.db-wal"))
        guard log.count >= 32 else { return 0 }
        let pageSize = log[8..<12].reduce(0) { $0 << 8 | Int($1) }
        let salt = log[16..<24]
        var end = 32
        while end + 24 + pageSize <= log.count, log[(end + 8)..<(end + 16)] == salt { end += 24 + pageSize }
        return end
    }

    /// Makes a folder of what is left.
    func strike(leaving newPath: String, _ generator: inout SplitMix) throws {
        let copy = Process()
        copy.executableURL = URL(filePath: "/bin/cp")
        // Not read by this process: closing the database's file would drop SQLite's locks on it.
        copy.arguments = ["-a", path, newPath]
        try copy.run()
        copy.waitUntilExit()
        #expect(copy.terminationStatus == 0)
        try? FileManager.default.removeItem(atPath: "\(newPath)/berth.db-shm")
        let log = "\(newPath)/berth.db-wal"
        let valid = try sizeOfLog()
        #expect(valid >= logSize.value)
        // Anything between what was flushed and what was written may have reached the disk.
        let reached = generator.once(in: 2) ? logSize.value : min(valid, logSize.value + 1000)
        #expect(truncate(log, off_t(reached)) == 0)
        for algorithm in SupportedAlgorithm.allCases { try strikeBlobs(algorithm, newPath, &generator) }
        for name in try FileManager.default.contentsOfDirectory(atPath: graveyard) where generator.once(in: 2)
        {
            let target = "\(newPath)/blobs/" + name.replacing(":", with: "/")
            link("\(graveyard)/\(name)", target)
        }
    }

    private func strikeBlobs(
        _ algorithm: SupportedAlgorithm,
        _ newPath: String,
        _ generator: inout SplitMix
    ) throws {
        let folder = "blobs/\(algorithm.rawValue)"
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(newPath)/\(folder)").sorted() {
            let target = "\(newPath)/\(folder)/\(name)"
            let size = try #require(
                FileManager.default.attributesOfItem(atPath: target)[.size] as? Int
            )
            if files.isNameAtRisk("\(path)/\(folder)/\(name)"), generator.once(in: 3) {
                try FileManager.default.removeItem(atPath: target)
            } else if files.areBytesAtRisk("\(path)/\(folder)/\(name)"), !generator.once(in: 3) {
                let damages: [RecoveryTests.Damage] = [.torn, .zeroed, .empty, .otherBytes]
                try RecoveryTests.damage(
                    target,
                    damages.randomElement(using: &generator) ?? .torn,
                    size: size
                )
            }
        }
    }
}
