import ArgumentParser
import Logging
import OCI

/// `berth gc`: removes by hand what a server removes by itself.
struct GarbageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Remove what nothing needs any more, and what is not to be kept.",
        discussion: """
            A running server does this by itself, every garbage.interval, while it serves: uploads that expired, tags \
            whose time is over or that no rule of retention keeps, manifests that have lost their tag garbage.untagged \
            ago, and blobs that no manifest has needed for garbage.grace. The command does it now, with a server running \
            on the storage folder or without one.
            """
    )

    @Flag(name: .customLong("dry-run"), help: "Tell what would be removed, and why; remove nothing.")
    var isDryRun = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let path = "/_/admin/collect?dry-run=\(isDryRun)"
            let printsItems = !json
            let report = try await OwnerConnection.with(configuration, createsFolder: false, logger: logger) {
                [isDryRun] owner in
                var items: [Item] = []
                let totals = try await owner.operate(path, result: Totals.self) { (item: Item) in
                    if printsItems {
                        Terminal.print(item.line(isDryRun: isDryRun))
                    } else {
                        items.append(item)
                    }
                }
                return Report(dryRun: isDryRun, items: items, totals: totals)
            }
            if json {
                try Terminal.printJSON(report)
            } else {
                Terminal.print(report.totals.line(isDryRun: isDryRun))
            }
        }
    }

    /// What `--json` prints.
    struct Report: Codable {
        let dryRun: Bool
        let items: [Item]
        let totals: Totals
    }

    /// One thing that goes.
    struct Item: Codable {
        let kind: String
        let repository: String?
        let tag: String?
        let digest: String?
        let id: String?
        /// In bytes.
        let size: Int64?
        let reason: String

        /// Such as `would remove tag ci/app:pr-17: it expired 2026-01-31T12:00:00Z`.
        func line(isDryRun: Bool) -> String {
            let name =
                switch kind {
                case "tag": "\(repository ?? ""):\(tag ?? "")"
                case "manifest": "\(repository ?? "")@\(digest ?? "")"
                case "upload": "\(id ?? "") to \(repository ?? "nowhere")"
                default: digest ?? ""
                }
            let size = kind == "blob" || kind == "upload" ? size.map { " (\($0.byteText))" } ?? "" : ""
            return "\(isDryRun ? "would remove" : "removed") \(kind) \(name)\(size): \(reason)"
        }
    }

    /// How many of each went.
    struct Totals: Codable {
        let uploads: Int
        let tags: Int
        let manifests: Int
        let blobs: Int
        let bytes: Int64

        /// Such as `removed 3 tags, 2 manifests and 34 blobs: 1.2 GB are free`.
        func line(isDryRun: Bool) -> String {
            let counts = [
                (uploads, "unfinished upload"), (tags, "tag"), (manifests, "manifest"), (blobs, "blob"),
            ]
            let parts = counts.filter { $0.0 > 0 }.map { $0.0.counted($0.1) }
            guard let last = parts.last else { return "Nothing is due." }
            let list = parts.count == 1 ? last : parts.dropLast().joined(separator: ", ") + " and " + last
            return isDryRun
                ? "would remove \(list), and free \(bytes.byteText)"
                : "removed \(list), and freed \(bytes.byteText)"
        }
    }
}
