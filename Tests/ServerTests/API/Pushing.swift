import Foundation
import OCI
import TestSupport
import Testing

/// What an error's JSON says.
struct ErrorDocument: Decodable {
    struct Entry: Decodable {
        let code: String
        let message: String
        let detail: String?
    }

    let errors: [Entry]
}

extension TestReply {
    /// The code of the only error in a reply that is the specification's JSON; nil for any other reply.
    var errorCode: String? {
        guard self["Content-Type"] == "application/json",
            let document = try? JSONDecoder().decode(ErrorDocument.self, from: Data(content)),
            document.errors.count == 1, !document.errors[0].message.isEmpty
        else { return nil }
        return document.errors[0].code
    }

    /// The message of the first error.
    var errorMessage: String? {
        try? JSONDecoder().decode(ErrorDocument.self, from: Data(content)).errors.first?.message
    }

    /// The path that a reply leads to, without what may stand before and behind it.
    func location() throws -> String {
        let location = try #require(self["Location"])
        #expect(
            location.hasPrefix("/v2/") && !location.contains("?"),
            "clients append their query to \(location)"
        )
        return location
    }
}

extension TestClient {
    /// Pushes a blob in one request.
    func push(_ blob: BlobFixture, to repository: String) async throws {
        let reply = try await send(
            "POST",
            "/v2/\(repository)/blobs/uploads/?digest=\(blob.digest)",
            content: blob.bytes
        )
        try #require(reply.status == 201, "\(reply.text)")
    }

    /// Asks for a manifest to be stored.
    func put(_ manifest: ManifestFixture, at path: String) async throws -> TestReply {
        try await send(
            "PUT",
            path,
            ["Content-Type": manifest.manifest.mediaType.rawValue],
            content: manifest.bytes
        )
    }

    /// Pushes a manifest whose references are there.
    func push(
        _ manifest: ManifestFixture,
        to repository: String,
        as reference: String? = nil
    ) async throws {
        let reply = try await put(
            manifest,
            at: "/v2/\(repository)/manifests/\(reference ?? manifest.digest.description)"
        )
        try #require(reply.status == 201, "\(reply.text)")
    }

    /// Pushes an image with all its blobs.
    func push(_ image: ImageFixture, to repository: String, as reference: String? = nil) async throws {
        for blob in image.blobs { try await push(blob, to: repository) }
        try await push(image.manifest, to: repository, as: reference)
    }

    /// Pushes an image that says it was made of an executable.
    func push(
        _ image: ExecutableImageFixture,
        to repository: String,
        as reference: String? = nil
    ) async throws {
        for blob in [image.configuration, image.layer] { try await push(blob, to: repository) }
        try await push(image.manifest, to: repository, as: reference)
    }

    /// Opens an upload session, and returns its path.
    func openUpload(in repository: String) async throws -> String {
        let reply = try await send("POST", "/v2/\(repository)/blobs/uploads/", content: [])
        try #require(reply.status == 202, "\(reply.text)")
        return try reply.location()
    }
}
