import Foundation
import NIOCore
import OCI
import Synchronization
import Testing

@testable import Commands

/// Downloads from registries whose connections break, and from those that lie.
@Suite("A blob from another registry")
struct BlobDownloadTests {
    private static let content = Array("0123456789abcdefghij".utf8)

    private static func range(_ request: StubServer.Request) -> Int? {
        request.fields["range"].flatMap { $0.split(separator: "=").last }.flatMap { Int($0.dropLast()) }
    }

    /// Sends so many bytes a time of what is asked for, and breaks off.
    private static func broken(_ portion: Int, _ request: StubServer.Request) -> StubServer.Response {
        let start = range(request) ?? 0
        let rest = Array(content[start...])
        var response = StubServer.Response(status: start > 0 ? 206 : 200, body: Array(rest.prefix(portion)))
        response.announced = rest.count
        if start > 0 {
            response.fields["Content-Range"] = "bytes \(start)-\(content.count - 1)/\(content.count)"
        }
        return response
    }

    private func read(_ scene: ClientScene, size: Int = content.count) async throws -> [UInt8] {
        let blob = Descriptor(mediaType: .octetStream, digest: Digest(of: Self.content), size: Int64(size))
        var bytes: [UInt8] = []
        for try await chunk in BlobDownload(blob, from: scene.client) {
            bytes += Array(chunk.readableBytesView)
        }
        return bytes
    }

    @Test("goes on where the connection broke, as often as something comes")
    func resumed() async throws {
        try await ClientScene.with {
            Self.broken(3, $0)
        } _: { scene in
            let bytes = try await read(scene)
            #expect(bytes == Self.content)
            let ranges = scene.server.requests.map { Self.range($0) ?? 0 }
            #expect(ranges == [0, 3, 6, 9, 12, 15, 18])
        }
    }

    @Test("gives up where nothing comes any more")
    func silent() async throws {
        try await ClientScene.with {
            Self.range($0) == nil ? Self.broken(5, $0) : .reset
        } _: { scene in
            await #expect(throws: RegistryClientError.self) { try await read(scene) }
            #expect(scene.server.requests.count == 3)
        }
    }

    @Test("never gives the end of something that is not what its digest says")
    func wrong() async throws {
        for body in [Array("X123456789abcdefghij".utf8), Self.content + [1]] {
            try await ClientScene.with { _ in
                .init(body: body)
            } _: { scene in
                var bytes: [UInt8] = []
                let blob = Descriptor(
                    mediaType: .octetStream,
                    digest: Digest(of: Self.content),
                    size: Int64(Self.content.count)
                )
                let error = await #expect(throws: RegistryClientError.self) {
                    for try await chunk in BlobDownload(blob, from: scene.client) {
                        bytes += Array(chunk.readableBytesView)
                    }
                }
                #expect(error?.kind == .malformed && bytes.count < Self.content.count)
                #expect(scene.server.requests.count == 1)
            }
        }
    }

    @Test("does not take the whole for the rest")
    func ignoredRange() async throws {
        try await ClientScene.with { request in
            Self.range(request) == nil ? Self.broken(5, request) : .init(body: Self.content)
        } _: { scene in
            await #expect(throws: RegistryClientError.self) { try await read(scene) }
        }
    }

    @Test("lists all pages of tags, and what refers to an image by either way")
    func lists() async throws {
        let subject = Digest(of: [1])
        let entry =
            #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(subject)","size":1}"#
        for keepsList in [true, false] {
            try await ClientScene.with { request in
                switch request.target {
                case "/v2/team/app/tags/list?n=1000":
                    var response = StubServer.Response.json(#"{"name":"team/app","tags":["a","b"]}"#)
                    response.fields["Link"] = #"</v2/team/app/tags/list?n=1000&last=b>; rel="next""#
                    return response
                case "/v2/team/app/tags/list?n=1000&last=b": return .json(#"{"tags":["c","no tag"]}"#)
                case "/v2/team/app/referrers/\(subject)" where keepsList:
                    return .json(#"{"manifests":[\#(entry)]}"#)
                case "/v2/team/app/manifests/sha256-\(subject.encoded)" where !keepsList:
                    return .json(#"{"manifests":[\#(entry)]}"#)
                default: return .init(status: 404)
                }
            } _: { scene in
                let tags = try await scene.client.tags()
                let (some, none) = (
                    try await scene.client.referrers(of: subject),
                    try await scene.client.referrers(of: Digest(of: [2]))
                )
                #expect(tags.map(\.rawValue) == ["a", "b", "c"])
                #expect(some.map(\.digest) == [subject] && none.isEmpty)
            }
        }
    }
}
