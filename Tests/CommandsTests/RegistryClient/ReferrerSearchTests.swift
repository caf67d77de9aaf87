import Foundation
import OCI
import Testing

@testable import Commands

@Suite("What refers to manifests")
struct ReferrerSearchTests {
    private func step(_ type: MediaType, _ members: [JSONValue.Member]) throws -> ImagePush.Step {
        let bytes = JSONValue.object(
            [.init("schemaVersion", .integer(2)), .init("mediaType", .string(type.rawValue))] + members
        ).canonicalBytes
        return ImagePush.Step(
            descriptor: ClientScene.descriptor(bytes, type),
            bytes: bytes,
            manifest: try Manifest(parsing: bytes, contentType: type)
        )
    }

    private func image(_ text: String, of subject: Descriptor? = nil) throws -> ImagePush.Step {
        let configuration = ClientScene.descriptor(Array(text.utf8), .ociEmpty)
        let members: [JSONValue.Member] = [
            .init("config", configuration.json), .init("layers", .array([])),
        ]
        return try step(.ociManifest, members + (subject.map { [.init("subject", $0.json)] } ?? []))
    }

    private func index(_ children: [ImagePush.Step], of subject: Descriptor? = nil) throws -> ImagePush.Step {
        let list: [JSONValue.Member] = [.init("manifests", .array(children.map(\.descriptor.json)))]
        return try step(.ociIndex, list + (subject.map { [.init("subject", $0.json)] } ?? []))
    }

    @Test("is an index with what that lists, and what refers to either, in whatever order they come")
    func indexes() throws {
        let subject = try image("subject")
        let children = try [image("one"), image("two")]
        let inner = try index([children[1]])
        let attached = try index([children[0], inner], of: subject.descriptor)
        let note = try image("about a child", of: children[1].descriptor)
        let stranger = try image("about something else", of: note.descriptor.with(digest: Digest(of: [1])))
        let groups = [[children[0], children[1], inner, attached], [note], [stranger]]
        for order in [groups, groups.reversed()] {
            let found = ImagePush.Step.referring(to: [subject.descriptor.digest], among: order.flatMap { $0 })
                .map(\.descriptor.digest)
            #expect(
                found == [children[0], children[1], inner, attached, note].map(\.descriptor.digest)
            )
        }
        #expect(ImagePush.Step.referring(to: [Digest(of: [2])], among: groups.flatMap { $0 }).isEmpty)
    }

    @Test("is found to the end of a long chain, and a chain of indexes needs no deep stack")
    func chains() throws {
        let subject = try image("subject")
        var last = subject
        var chain: [ImagePush.Step] = []
        for number in 0..<3000 {
            last = try image("\(number)", of: last.descriptor)
            chain.append(last)
        }
        let found = ImagePush.Step.referring(to: [subject.descriptor.digest], among: chain.reversed())
        #expect(found.map(\.descriptor.digest) == chain.map(\.descriptor.digest))
        var nested = [try image("leaf")]
        for _ in 0..<3000 { nested.append(try index([nested[nested.count - 1]])) }
        nested.append(try index([nested[nested.count - 1]], of: subject.descriptor))
        let all = ImagePush.Step.referring(to: [subject.descriptor.digest], among: nested)
        #expect(all.map(\.descriptor.digest) == nested.map(\.descriptor.digest))
    }
}

extension Descriptor {
    fileprivate func with(digest: Digest) -> Descriptor {
        var copy = self
        copy.digest = digest
        return copy
    }
}
