import ArgumentParser
import FoundationEssentials
import Logging

/// `berth uploads`: what is being uploaded, or was and can be resumed.
struct UploadsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uploads",
        abstract: "List uploads that are not finished.",
        discussion: """
            A client can resume each of them until it expires, uploads.expiry after the last of its bytes came.
            """
    )

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let found = try await OwnerConnection.with(configuration, createsFolder: false, logger: logger) {
                try await Self.uploads($0)
            }
            let uploads = found.sorted {
                ($0.repository, $0.started, $0.id) < ($1.repository, $1.started, $1.id)
            }
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                Terminal.print(String(decoding: try encoder.encode(uploads), as: UTF8.self))
            } else {
                Terminal.print(Self.table(of: uploads).joined(separator: "\n"))
            }
        }
    }

    /// One row of the list.
    struct Upload: Codable {
        let id: String
        let repository: String
        /// How many bytes have come.
        let size: Int64
        let started: String
        let lastActivity: String
        let expires: String
    }

    private struct UploadPage: Decodable {
        let uploads: [Upload]
        let last: String?
    }

    private static func uploads(_ owner: OwnerConnection) async throws -> [Upload] {
        var uploads: [Upload] = []
        var path = "/_/admin/uploads"
        while true {
            let reply = try await owner.get(path)
            guard reply.status == 200 else { throw CommandError(reply.message) }
            let page = try JSONDecoder().decode(UploadPage.self, from: Data(reply.body))
            uploads += page.uploads
            guard let last = page.last else { return uploads }
            path = "/_/admin/uploads?last=\(URLText.encoded(last))"
        }
    }

    static func table(of uploads: [Upload]) -> [String] {
        guard !uploads.isEmpty else { return ["No unfinished uploads."] }
        var table = TextTable(header: ["REPOSITORY", "SIZE", "STARTED", "LAST ACTIVITY", "EXPIRES", "ID"])
        for upload in uploads {
            table.append([
                upload.repository, upload.size.byteText, upload.started, upload.lastActivity, upload.expires,
                upload.id,
            ])
        }
        return table.lines
    }
}
