import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import OCI

/// The import of another registry's data folder, by whoever owns the storage folder.
struct DistributionImport: Sendable {
    let path: String
    /// Nil where nobody sees it.
    let progress: ProgressBar?
    let isJSON: Bool

    /// What the owner tells on the way.
    private struct Progress: Decodable {
        let done: Int64?
        let total: Int64?
        let leftOut: String?
        let reason: String?
    }

    /// What the owner says at the end.
    private struct Report: Codable {
        let repositories: Int
        let tags: Int
        let manifests: Int
        let linked: Int
        let copied: Int
        let known: Int
        let size: Int64
    }

    private struct LeftOut: Codable {
        let name: String
        let reason: String
    }

    private struct Document: Encodable {
        let path: String
        let imported: Report
        let leftOut: [LeftOut]
    }

    func run(_ shared: SharedOptions) async throws {
        let configuration = try shared.configuration()
        guard let resolved = realpath(path, nil) else {
            throw CommandError(
                "--from-distribution: \(path.printable(limit: .max)): \(String(cString: strerror(errno)))"
            )
        }
        let folder = String(cString: resolved)
        free(resolved)
        let (report, leftOut) = try await OwnerConnection.with(
            configuration,
            createsFolder: true,
            logger: configuration.logger(atLeast: .error)
        ) { try await imported(folder, $0) }
        progress?.clear()
        if isJSON {
            try Terminal.printJSON(Document(path: folder, imported: report, leftOut: leftOut))
        } else {
            for item in leftOut { Terminal.warn("left out \(item.name): \(item.reason)") }
            Terminal.print(
                """
                imported \(report.repositories.counted("repository", "repositories")), \
                \(report.tags.counted("tag")) and \(report.manifests.counted("manifest")) \
                from \(folder.printable(limit: .max))
                blobs: \(report.linked) linked and \(report.copied) copied (\(report.size.byteText)), \
                \(report.known) there already
                """
            )
        }
        if !leftOut.isEmpty { throw ExitCode(2) }
    }

    private func imported(_ folder: String, _ owner: OwnerConnection) async throws -> (Report, [LeftOut]) {
        var leftOut: [LeftOut] = []
        var hasBegun = false
        let report = try await owner.operate(
            "/_/admin/import?path=\(URLText.encoded(folder))",
            result: Report.self
        ) { (event: Progress) in
            if let name = event.leftOut { leftOut.append(LeftOut(name: name, reason: event.reason ?? "")) }
            guard let done = event.done, let total = event.total else { return }
            if !hasBegun { progress?.begin("importing", total: total) }
            hasBegun = true
            progress?.update(done)
        }
        return (report, leftOut)
    }
}
