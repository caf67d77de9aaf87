import HTTPTypes
import Hummingbird
import NIOCore
import OCI

/// How much is done at once of what takes memory or threads for as long as a client wants.
package struct AdmissionLimits: Hashable, Sendable {
    /// Requests whose content is received.
    package var uploads: Int
    /// Uploads that are made into images.
    package var packagings: Int
    /// Executables that are decompressed for a reader.
    package var expansions: Int
    /// Bytes of manifests and lists that are received, or wait to be sent.
    package var documents: Int
    /// How long a request waits in line.
    package var patience: Duration

    package init(
        uploads: Int = 128,
        packagings: Int = 16,
        expansions: Int = 16,
        documents: Int = 256 << 20,
        patience: Duration = .seconds(30)
    ) {
        self.uploads = uploads
        self.packagings = packagings
        self.expansions = expansions
        self.documents = documents
        self.patience = patience
    }
}

/// Sees to it that no number of clients makes the server take more memory than there is.
///
/// A request waits in line before its content is asked for. So it is kept waiting by the network, not in memory.
package final class Admission: Sendable {
    /// What is bounded.
    enum Work: Hashable {
        case upload
        case packaging
        case expansion
        case document
    }

    let uploads: Gate
    let packagings: Gate
    let expansions: Gate
    let documents: Gate

    /// Makes the gates that all listeners of a server share.
    package init(_ limits: AdmissionLimits = AdmissionLimits()) {
        func gate(_ work: Work, _ capacity: Int) -> Gate {
            Gate(
                capacity: capacity,
                patience: limits.patience,
                refusal: AdmissionError.busy(work, limit: capacity)
            )
        }
        uploads = gate(.upload, limits.uploads)
        packagings = gate(.packaging, limits.packagings)
        expansions = gate(.expansion, limits.expansions)
        documents = gate(.document, limits.documents)
    }

    /// Returns when a request may be answered; nil for one that takes nothing that is bounded.
    func enter(_ demand: Demand?, for client: String) async throws -> Gate.Ticket? {
        guard let demand else { return nil }
        return try await gate(of: demand.work).enter(client, weight: demand.weight)
    }

    private func gate(of work: Work) -> Gate {
        switch work {
        case .upload: uploads
        case .packaging: packagings
        case .expansion: expansions
        case .document: documents
        }
    }
}

/// What a request takes of what is bounded.
struct Demand: Hashable {
    let work: Admission.Work
    let weight: Int

    /// Nil for a request that takes next to nothing, or that the kernel answers.
    init?(_ endpoint: Endpoint, _ head: HTTPRequest, _ query: Query) {
        switch endpoint {
        case .startUpload where query["digest"] == nil || query["mount"] != nil: return nil
        case .startUpload, .appendToUpload, .finishUpload:
            guard head.hasContent else { return nil }
            self.init(.upload)
        case .packageExecutable:
            self.init(.packaging, weight: Self.weight(of: head, query))
        case .readImage where head.method == .get && query.items.contains { $0.name == "file" }:
            self.init(.expansion)
        case .pushManifest:
            let length = head.headerFields[.contentLength].flatMap { Int($0) } ?? Manifest.maximumSize
            self.init(.document, weight: min(max(length, 0), Manifest.maximumSize))
        case .readManifest, .listTags, .listReferrers, .listRepositories, .readImage:
            // How large it is shows when it is there.
            self.init(.document, weight: Manifest.maximumSize)
        case .checkSupport, .readBlob, .deleteBlob, .readUpload, .cancelUpload, .deleteManifest, .deleteImage,
            .welcome, .health, .administer:
            return nil
        }
    }

    /// By what making the image may take beside the others' 4 MiB.
    private static func weight(of head: HTTPRequest, _ query: Query) -> Int {
        func option(_ name: String) -> String? {
            query[name] ?? HTTPField.Name("X-Image-" + name).flatMap { head.headerFields[$0] }
        }
        // zstd's tables of 29 MiB.
        if option("level") == "best" { return 4 }
        // An archive of a folder may be compressed with a window of up to 128 MiB, and mostly has one of 8.
        return option("entrypoint") == nil ? 1 : 2
    }

    private init(_ work: Admission.Work, weight: Int = 1) {
        self.work = work
        self.weight = weight
    }
}

extension HTTPRequest {
    /// Whether content follows, or may follow.
    fileprivate var hasContent: Bool {
        headerFields[.transferEncoding] != nil || headerFields[.contentLength].map { $0 != "0" } ?? false
    }
}

extension Response {
    /// The reply, whose place is free again when it has been sent, or broke off.
    ///
    /// A small one is as good as sent when it is made.
    func holding(_ ticket: Gate.Ticket?, smallReply: Int = 64 * 1024) -> Response {
        guard let ticket else { return self }
        let length = body.contentLength ?? .max
        guard length > smallReply else { return self }
        ticket.shrink(to: length)
        var response = self
        let body = body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            defer { withExtendedLifetime(ticket) {} }
            try await body.write(writer)
        }
        return response
    }
}
