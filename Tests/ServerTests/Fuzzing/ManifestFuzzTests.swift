import Foundation
import TestSupport
import Testing

@testable import OCI

/// Manifests and configurations made of anything.
@Suite("Manifests in any spelling")
struct ManifestFuzzTests {
    private let seed = TestSeed.current

    private static let fragments =
        HostileText.fragments.map { Array($0.utf8) } + [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xEF, 0xBB, 0xBF],
            Array("\"mediaType\":\"a/b\",".utf8),
            Array("\"layers\":[],".utf8), Array("\\ud800".utf8), Array("[".utf8), Array("}".utf8),
            Array("/* */".utf8), Array("NaN".utf8), Array("1e400".utf8), Array("-0".utf8),
            Array("\"subject\":null,".utf8), Array("\"size\":1.5,".utf8),
        ]

    @Test("A document is refused where two readers may read it differently, and only there")
    func twins() {
        var random = seed.random()
        var counts = (refused: 0, accepted: 0)
        for _ in 1...1500 {
            var tree = JSONTree.random(&random)
            if random.once(in: 10) {
                tree = tree.nested(Int.random(in: 120...132, using: &random), &random)
            }
            let bytes = tree.bytes(&random)
            let isRefused = tree.hasTwins() || tree.depth > StrictJSON.maximumDepth
            let said = Result { try StrictJSON.check(bytes) }
            let text = String(decoding: bytes, as: UTF8.self)
            switch said {
            case .success: #expect(!isRefused, "\(seed): \(text)")
            case .failure(let error): #expect(isRefused, "\(seed): \(error) in \(text)")
            }
            if isRefused { counts.refused += 1 } else { counts.accepted += 1 }
        }
        #expect(counts.refused > 100 && counts.accepted > 100, "\(seed): \(counts)")
    }

    @Test("What a document says is what was read out of it")
    func contents() throws {
        var random = seed.random(1)
        for _ in 1...200 {
            let model = ManifestModel(&random)
            let bytes = model.tree(&random).bytes(&random)
            let manifest = try Manifest(parsing: bytes, contentType: nil)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(manifest.mediaType.rawValue == model.mediaType, "\(seed): \(text)")
            #expect(
                manifest.references.map(\.descriptor.digest.description) == model.references,
                "\(seed): \(text)"
            )
            #expect(manifest.references.map(\.descriptor.size) == model.sizes, "\(seed): \(text)")
            #expect(manifest.subject?.digest.description == model.subject, "\(seed): \(text)")
            #expect(manifest.artifactType?.rawValue == model.expectedArtifactType, "\(seed): \(text)")
            #expect(manifest.annotations == model.annotations, "\(seed): \(text)")
        }
    }

    @Test("A damaged document is refused, or read as every other reader reads it")
    func damage() throws {
        var random = seed.random(2)
        var counts = (refused: 0, accepted: 0)
        // Few of them are still manifests: so many that some are.
        while counts.refused + counts.accepted < 600 || counts.accepted <= 20, counts.refused < 6000 {
            let whole = ManifestModel(&random).tree(&random).bytes(&random)
            let bytes = random.damage(whole, with: Self.fragments)
            let type: MediaType? = random.pick([nil, .ociManifest, .ociIndex, .dockerManifest])
            do throws(ManifestError) {
                let manifest = try Manifest(parsing: bytes, contentType: type)
                try expect(manifest, agreesWith: bytes)
                counts.accepted += 1
            } catch {
                expectReadable("\(error)", bytes)
                counts.refused += 1
            }
            if let error = Self.configurationError(bytes) { expectReadable("\(error)", bytes) }
        }
        #expect(counts.refused > 60 && counts.accepted > 20, "\(seed): \(counts)")
    }

    private static func configurationError(_ bytes: [UInt8]) -> ImageConfigurationError? {
        do throws(ImageConfigurationError) {
            _ = try ImageConfiguration(parsing: bytes)
            return nil
        } catch { return error }
    }

    private func expectReadable(_ message: String, _ bytes: [UInt8]) {
        let text = String(decoding: bytes.prefix(2000), as: UTF8.self)
        #expect(!message.isEmpty && message.utf8.count < 1000, "\(seed): \(text)")
        #expect(!message.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "\(seed): \(text)")
    }

    /// Holds a manifest against Foundation's other reader of JSON.
    private func expect(_ manifest: Manifest, agreesWith bytes: [UInt8]) throws(ManifestError) {
        let text = String(decoding: bytes, as: UTF8.self)
        let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        guard let object else {
            // Go's reader takes a half of a surrogate pair, Foundation's does not.
            #expect(text.lowercased().contains("\\ud8"), "\(seed): \(text)")
            return
        }
        let configuration = (object["config"] as? [String: Any]).map { [$0] } ?? []
        let lists = ["layers", "manifests"].compactMap { object[$0] as? [[String: Any]] }
        var listed = configuration + lists.flatMap { $0 }
        if listed.isEmpty { listed = object["blobs"] as? [[String: Any]] ?? [] }
        let digests = manifest.references.map(\.descriptor.digest.description)
        #expect(digests == listed.map { $0["digest"] as? String }, "\(seed): \(text)")
        let sizes = manifest.references.map(\.descriptor.size)
        #expect(sizes == listed.map { ($0["size"] as? NSNumber)?.int64Value }, "\(seed): \(text)")
        if let type = object["mediaType"] as? String, !type.isEmpty {
            #expect(manifest.mediaType.rawValue == type, "\(seed): \(text)")
        }
    }

    @Test(
        "Hostile shapes are refused without a long message",
        arguments: [
            ("brackets", "["), ("objects", "{\"a\":"), ("digits", "1"), ("keys", "\"a\":1,"),
            ("commas", ","), ("quotes", "\""), ("escapes", "\\u0041"),
            ("members", "{\"annotations\":{\"a\":"),
        ]
    )
    func shapes(_ name: String, _ fragment: String) {
        let long = String(repeating: fragment, count: (1 << 16) / fragment.utf8.count)
        for text in [
            long, "{\(long)", "{\"x\":\(long)}", "[\(long)]", "{\"schemaVersion\":\(long)}",
            "{\"mediaType\":\"\(long)\"}", "{\"\(long)\":0,\"config\":0}",
            "{\"config\":{\"mediaType\":\"a/b\",\"digest\":\"a:b\",\"size\":\(long)},\"layers\":[]}",
        ] {
            let bytes = Array(text.utf8)
            do throws(ManifestError) {
                _ = try Manifest(parsing: bytes, contentType: .ociManifest)
                Issue.record("\(name) were accepted")
            } catch { expectReadable("\(error)", bytes) }
            if let error = Self.configurationError(bytes) { expectReadable("\(error)", bytes) }
        }
    }

    @Test("What is larger than any manifest is refused before anybody reads it")
    func size() {
        // Neither of these would be called too large by whoever looked at what they say.
        for byte in [UInt8(ascii: "["), 0x00, 0xFF] {
            let bytes = [UInt8](repeating: byte, count: Manifest.maximumSize + 1)
            #expect(throws: ManifestError.tooLarge) { try Manifest(parsing: bytes, contentType: nil) }
        }
    }

    @Test("So many references and no more")
    func references() throws {
        func manifest(_ count: Int) -> [UInt8] {
            let descriptor = #"{"mediaType":"a/b","digest":"a:b","size":1}"#
            let list = Array(repeating: descriptor, count: count).joined(separator: ",")
            return Array("{\"manifests\":[\(list)]}".utf8)
        }
        let most = Manifest.maximumReferences
        #expect(try Manifest(parsing: manifest(most), contentType: nil).references.count == most)
        #expect(throws: ManifestError.tooManyReferences(most + 1)) {
            try Manifest(parsing: manifest(most + 1), contentType: nil)
        }
    }
}
