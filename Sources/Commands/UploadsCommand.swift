import ArgumentParser
import Logging
import OCI

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
                try await $0.list("/_/admin/uploads", UploadPage.self)
            }
            let uploads = found.sorted {
                ($0.repository, $0.started, $0.id) < ($1.repository, $1.started, $1.id)
            }
            if json {
                try Terminal.printJSON(uploads)
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

    private struct UploadPage: OwnerPage {
        let uploads: [Upload]
        let last: String?

        var elements: [Upload] { uploads }
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
