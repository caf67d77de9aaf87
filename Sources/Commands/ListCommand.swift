import ArgumentParser
import Logging
import OCI

/// `berth list`: what is in the registry.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List repositories and tags with their platforms and sizes."
    )

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let images = try await OwnerConnection.with(configuration, createsFolder: false, logger: logger) {
                try await $0.list("/_/admin/images", ImagePage.self)
            }
            if json {
                try Terminal.printJSON(images)
            } else {
                Terminal.print(Self.table(of: images).joined(separator: "\n"))
            }
        }
    }

    /// One row of the list.
    ///
    /// A repository without tags has only its name.
    struct Image: Codable {
        let repository: String
        let tag: String?
        let digest: String?
        let platforms: [String]?
        /// In bytes.
        let size: Int64?
        let updated: String?
        let expires: String?
    }

    struct ImagePage: OwnerPage {
        let images: [Image]
        let last: String?

        var elements: [Image] { images }
    }

    private static func table(of images: [Image]) -> [String] {
        guard !images.isEmpty else { return ["No images yet. Try: berth pack ./program"] }
        var table = TextTable(header: ["REPOSITORY", "TAG", "PLATFORMS", "SIZE", "UPDATED", "DIGEST"])
        for image in images {
            table.append([
                image.repository,
                image.tag ?? "-",
                image.platforms.map { $0.isEmpty ? "-" : $0.joined(separator: ",") } ?? "-",
                image.size?.byteText ?? "-",
                image.updated ?? "-",
                image.digest.map { String($0.prefix(19)) } ?? "-",
            ])
        }
        return table.lines
    }
}

extension OwnerConnection.Reply {
    /// What a refusal says, without the prefix that the terminal adds.
    var message: String {
        let prefix = "berth: "
        let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
        return line.hasPrefix(prefix) ? String(line.dropFirst(prefix.count)) : line
    }
}
