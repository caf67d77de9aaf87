import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import OCI

/// `berth backup`: a copy of everything, made while clients go on.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Make a backup of the storage folder.",
        discussion: """
            Each backup is a folder of its own in DIR, complete, and DIR/latest leads to the last one; berth restore \
            makes a storage folder of it again. On the storage folder's file system blobs are hard links, which take no \
            space; elsewhere they are copied, but for those that the backup before has. A server goes on serving \
            meanwhile.
            """
    )

    @Argument(help: ArgumentHelp("The folder of backups; made where there is none.", valueName: "dir"))
    var folder: String

    @Option(help: ArgumentHelp("How many backups stay in it.", valueName: "number"))
    var keep = 7

    @Flag(help: "Copy blobs where they could be linked, against damage of the files themselves.")
    var copy = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard (1...1_000_000).contains(keep) else {
            throw ValidationError("--keep is a number from 1 on: the backup that is made stays.")
        }
    }

    private struct Progress: Decodable {
        let bytes: Bytes?

        struct Bytes: Decodable {
            let done: Int64
            let total: Int64
        }
    }

    /// What the owner of the folder says of the backup.
    private struct Report: Codable, Sendable {
        let path: String
        let blobs: Int
        let size: Int64
        let new: Int
        let copied: Int64
        let lost: [String]
        let lostCount: Int
        let removed: Int
    }

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let target = try ExportFolder(folder, storage: configuration.storage, option: "DIR")
            let path =
                "/_/admin/backup?path=\(URLText.encoded(target.path))&keep=\(keep)"
                + (copy ? "&copy=true" : "")
            let bar = ProgressBar.onStandardError(environment: SharedOptions.environment)
            let report = try await OwnerConnection.with(configuration, createsFolder: false, logger: logger) {
                owner in
                defer { bar?.clear() }
                var total: Int64?
                return try await owner.operate(path, result: Report.self) { (progress: Progress) in
                    guard let bytes = progress.bytes else { return }
                    if bytes.total != total { bar?.begin("backing up", total: bytes.total) }
                    total = bytes.total
                    bar?.update(bytes.done)
                }
            }
            if json {
                try Terminal.printJSON(report)
            } else {
                let copied = report.copied > 0 ? ", \(report.copied.byteText) copied" : ""
                Terminal.print(
                    """
                    backed up \(report.blobs.counted("blob")), \(report.size.byteText), to \
                    \(report.path.printable(limit: .max)): \(report.new) new\(copied)
                    """
                )
            }
            guard report.lostCount > 0 else { return }
            Terminal.warn(
                """
                \(report.lostCount.counted("blob")) damaged or missing in the storage folder, and so in the backup: \
                berth verify tells more
                """
            )
            throw ExitCode.failure
        }
    }
}
