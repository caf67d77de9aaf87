import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import OCI

/// `berth verify`: reads everything that is stored again, and says what is damaged.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read stored images again, and say what is damaged.",
        discussion: """
            Every blob and manifest is hashed and compared with its digest, with a server running or without one. What \
            is damaged is no longer given to clients, and the next push of the same content heals it. The exit status \
            is 1 where anything is damaged.

            With --repair files and records are brought into agreement, as after a backup of one and not the other was \
            put back.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Repositories, and images by name and tag (default: all).",
            valueName: "name[:tag]"
        )
    )
    var names: [String] = []

    @Flag(help: "Mend what can be mended.")
    var repair = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard !repair || names.isEmpty else {
            throw ValidationError("--repair is for the whole storage folder: leave the names out.")
        }
    }

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let query = (repair ? ["repair=true"] : []) + names.map { "name=\(URLText.encoded($0))" }
            let path = "/_/admin/verify" + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
            let bar = ProgressBar.onStandardError(environment: SharedOptions.environment)
            let verified = try await OwnerConnection.with(configuration, createsFolder: false, logger: logger)
            {
                defer { bar?.clear() }
                return try await Self.verify($0, path, bar)
            }
            if json {
                try Terminal.printJSON(verified)
            } else {
                Terminal.print(verified.lines.joined(separator: "\n"))
            }
            guard verified.report.whole else { throw ExitCode.failure }
        }
    }

    private static func verify(
        _ owner: OwnerConnection,
        _ path: String,
        _ bar: ProgressBar?
    ) async throws -> Verified {
        var findings: [Verified.Finding] = []
        var restored: [String] = []
        var adopted: [String] = []
        var total: Int64?
        let report = try await owner.operate(path, result: Verified.Report.self) {
            (progress: Verified.Progress) in
            if let bytes = progress.bytes {
                if bytes.total != total { bar?.begin("verifying", total: bytes.total) }
                total = bytes.total
                bar?.update(bytes.done)
            }
            if let finding = progress.finding { findings.append(finding) }
            if let digest = progress.restored { restored.append(digest) }
            if let digest = progress.adopted { adopted.append(digest) }
        }
        return Verified(report: report, findings: findings, restored: restored, adopted: adopted)
    }
}

/// What the owner said of a verification.
struct Verified: Encodable, Sendable {
    let report: Report
    let findings: [Finding]
    /// Digests of blobs that had been quarantined, and are whole.
    let restored: [String]
    /// Digests of content without a record that has one again.
    let adopted: [String]

    /// What is told meanwhile: one of these at a time.
    struct Progress: Decodable {
        let bytes: Bytes?
        let finding: Finding?
        let restored: String?
        let adopted: String?

        struct Bytes: Decodable {
            let done: Int64
            let total: Int64
        }
    }

    struct Finding: Codable, Sendable {
        let kind: String
        let digest: String
        let message: String
        let size: Int64?
        let condition: String?
        let missing: String?
        let repository: String?
        let mended: Bool?
        let images: [String]
        let moreImages: Bool
        let new: Bool
        let damage: Bool
    }

    struct Report: Codable, Sendable {
        let whole: Bool
        let repaired: Bool
        let manifests: Int
        let blobs: Int
        let bytes: Int64
        let damaged: Int
        let restored: Int
        let records: [Records]
        let unknown: Unknown?
        let leftovers: Int

        struct Records: Codable, Sendable {
            let kind: String
            let count: Int
        }

        struct Unknown: Codable, Sendable {
            let files: Int
            let adopted: Int
            let removed: Int
        }
    }

    /// The report for people.
    var lines: [String] {
        var lines: [String] = []
        for finding in findings {
            lines.append(finding.message)
            if !finding.images.isEmpty {
                let more = finding.moreImages ? " and others" : ""
                lines.append("  in \(finding.images.joined(separator: ", "))\(more)")
            }
        }
        lines += restored.map { "blob \($0) is whole again" }
        lines += adopted.map { "blob \($0) had no record, and images need it: it has one again" }
        lines += recordLines
        let images = Set(findings.filter(\.damage).flatMap(\.images)).count
        lines.append(
            "verified \(report.manifests.counted("manifest")) and \(report.blobs.counted("blob")), "
                + "\(report.bytes.byteText): "
                + (report.damaged == 0
                    ? "nothing is damaged" : "\(report.damaged) damaged, in \(images.counted("image"))")
        )
        if findings.contains(where: { $0.damage && $0.kind != "record" }) {
            lines.append("push these images again: that heals them")
        }
        return lines
    }

    /// What was mended besides, or can be.
    private var recordLines: [String] {
        var lines = report.records.map { record in
            "\(record.count) \(record.kind) contradicted other records"
                + (report.repaired ? ", and are mended" : "; berth verify --repair mends them")
        }
        if let unknown = report.unknown, unknown.files > 0 {
            let rest = unknown.files - unknown.adopted - unknown.removed
            if !report.repaired {
                lines.append(
                    "\(rest.counted("file")) of blobs without a record; berth verify --repair looks at them"
                )
            } else {
                if unknown.removed > 0 {
                    lines.append("removed \(unknown.removed.counted("file")) of blobs that nothing needed")
                }
                if rest > 0 {
                    lines.append("kept \(rest.counted("file")) of blobs without a record, for the grace time")
                }
            }
        }
        if report.leftovers > 0 {
            lines.append(
                report.repaired
                    ? "removed \(report.leftovers.counted("leftover")) of uploads"
                    : "\(report.leftovers.counted("leftover")) of uploads; berth verify --repair removes them"
            )
        }
        return lines
    }
}
