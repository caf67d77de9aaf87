import AsyncHTTPClient
import FoundationEssentials
import NIOHTTP1
import OCI

/// What is asked of a registry, or of the server that gives its tokens.
struct RegistryRequest: Sendable {
    enum Content: Sendable {
        case bytes([UInt8])
        /// A file is opened again for each attempt; `sent` hears how much of it has gone out.
        case file(FilePart, sent: @Sendable (Int64) -> Void)
        /// A blob that another registry sends meanwhile, asked for again for each attempt.
        case download(BlobDownload, sent: @Sendable (Int64) -> Void)
    }

    var method: HTTPMethod
    var url: RegistryURL
    var fields: HTTPHeaders = [:]
    var content: Content?
    /// Whether the content of a reply that is what was asked for is read as it comes.
    var streams = false

    init(_ method: HTTPMethod, _ url: RegistryURL, _ fields: HTTPHeaders = [:], content: Content? = nil) {
        self.method = method
        self.url = url
        self.fields = fields
        self.content = content
    }
}

extension RegistryRequest {
    /// Asks for whatever is at an address.
    init(reading url: RegistryURL) { self.init(.GET, url) }
}

/// What a registry answers.
struct RegistryResponse: Sendable {
    let status: UInt
    let fields: HTTPHeaders
    let body: [UInt8]
    /// The content, where it is read as it comes.
    var stream: HTTPClientResponse.Body?

    /// The largest document that is read: a manifest has at most 4 MiB.
    static let maximumSize = 8 * 1024 * 1024

    private struct Errors: Decodable {
        struct Entry: Decodable {
            let code: String?
            let message: String?
        }
        let errors: [Entry]?
        /// Token servers' own.
        let details: String?
    }

    /// What the registry says about a refusal; nil where it says nothing.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, "Error Codes"
    var errorText: String? {
        guard let document = try? JSONDecoder().decode(Errors.self, from: Data(body)) else { return nil }
        let first = document.errors?.first
        let texts = [first?.code, first?.message ?? document.details].compactMap { $0 }.filter { !$0.isEmpty }
        return texts.isEmpty ? nil : texts.joined(separator: ": ").printable
    }

    /// Whether a reply that something is not there speaks of content, and not of the repository.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, "Error Codes"
    var isAboutContent: Bool {
        let document = try? JSONDecoder().decode(Errors.self, from: Data(body))
        let codes = ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "BLOB_UPLOAD_UNKNOWN"]
        return document?.errors?.first?.code.map(codes.contains) ?? false
    }

    /// How long the registry wants to be left alone, where it says so in seconds.
    var retryAfter: Duration? {
        guard let text = fields.first(name: "Retry-After"), !text.isEmpty,
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        // Whoever names more than a day is not asked again, however much it is.
        return .seconds(min(Int64(text) ?? .max, 86_400))
    }
}
