import ArgumentParser
import Dispatch
import FoundationEssentials
import Glibc
import OCI
import Registry
import Storage

/// `berth restore`: a storage folder out of a backup.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a storage folder of a backup.",
        discussion: """
            DIR is a folder of backups, of which the latest is taken, one of the backups in it, or any other copy of a \
            storage folder. The storage folder must not exist, or be empty. Everything is copied, so that the backup \
            stays what it is.
            """
    )

    @Argument(help: ArgumentHelp("The backup.", valueName: "dir"))
    var folder: String

    @Flag(help: "Hash every blob on the way.")
    var verify = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    private struct Summary: Encodable {
        let backup: String
        let storage: String
        let blobs: Int
        let size: Int64
        let lost: [String]
    }

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let source = try Self.backup(in: folder)
            let (storage, verify) = (configuration.storage, verify)
            let bar = ProgressBar.onStandardError(environment: SharedOptions.environment)
            let report = try await Self.blocking {
                defer { bar?.clear() }
                var begun = false
                return try Restoration.run(from: source, to: storage, verifies: verify) { done, total in
                    if !begun { bar?.begin("restoring", total: total) }
                    begun = true
                    bar?.update(done)
                }
            }
            if json {
                try Terminal.printJSON(
                    Summary(
                        backup: source,
                        storage: storage,
                        blobs: report.blobs,
                        size: report.size,
                        lost: report.lost.map(\.description)
                    )
                )
            } else {
                Terminal.print(
                    """
                    restored \(report.blobs.counted("blob")), \(report.size.byteText), from \(source.printable(limit: .max)) \
                    to \(storage.printable(limit: .max))
                    """
                )
            }
            guard !report.lost.isEmpty else { return }
            for digest in report.lost.prefix(16) {
                Terminal.warn("\(digest) is missing or damaged in the backup")
            }
            Terminal.warn(
                "could not restore \(report.lost.count.counted("blob")): berth verify says which images need them"
            )
            throw ExitCode.failure
        }
    }

    /// The absolute path of a backup: what was named, or the latest one in it.
    private static func backup(in folder: String) throws -> String {
        let latest = folder + "/latest"
        var path = folder
        if access(folder + "/berth.db", F_OK) != 0 {
            if access(latest, F_OK) == 0 {
                path = latest
            } else if let names = try? FileManager.default.contentsOfDirectory(atPath: folder),
                let last = BackupName.last(among: names)
            {
                // The link that says which is gone, or leads nowhere.
                path = "\(folder)/\(last)"
            }
        }
        guard let resolved = realpath(path, nil) else {
            throw CommandError("there is no backup \(folder.printable): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
        }
    }
}
