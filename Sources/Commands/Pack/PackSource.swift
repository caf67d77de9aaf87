import Logging
import OCI
import Packager

/// What is to become an image, as the command line gives it.
struct PackSource: Sendable {
    /// The executable, or a folder with one in it.
    let path: String
    /// What the image is called; nil for the file's or folder's name.
    let image: String?
    let options: [(name: PackagingOptions.Name, value: String)]

    /// The file's or folder's own name.
    var fileName: String { PackContent.name(of: path) }

    /// What is to be sent, once it has been opened.
    var content: PackContent {
        get throws {
            try PackContent(path: path, hasEntrypoint: options.contains { $0.name == .entrypoint })
        }
    }

    /// Makes the image in the configured storage folder.
    func store(_ shared: SharedOptions, _ report: PackReport) async throws {
        let configuration = try shared.configuration()
        let logger = configuration.logger(atLeast: .error)
        // Before a storage folder is made for a file that is not there.
        let content = try content
        let target = Self.target(image ?? fileName, options)
        let reply = try await OwnerConnection.with(configuration, createsFolder: true, logger: logger) {
            try await send(content, to: target, $0, report)
        }
        report.progress?.clear()
        report.print(reply.text)
    }

    /// Sends the executable or folder to the owner of a storage folder.
    func send(
        _ content: PackContent,
        to target: String,
        _ owner: OwnerConnection,
        _ report: PackReport
    ) async throws -> OwnerConnection.Reply {
        report.progress?.begin("packing \(fileName)", total: content.size)
        let reply = try await owner.put(
            target,
            content: MeteredContent(base: content) { report.progress?.update($0) },
            size: content.size,
            acceptsJSON: report.isJSON
        )
        guard (200...202).contains(reply.status) else { throw CommandError(reply.message) }
        return reply
    }

    /// A request's path and query.
    static func target(
        _ image: String,
        _ options: [(name: PackagingOptions.Name, value: String)]
    ) -> String {
        let path = image.split(separator: "/", omittingEmptySubsequences: false).map {
            URLText.encoded(String($0))
        }
        let query = options.map { "\($0.name.rawValue)=\(URLText.encoded($0.value))" }
        return "/" + path.joined(separator: "/") + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }
}
