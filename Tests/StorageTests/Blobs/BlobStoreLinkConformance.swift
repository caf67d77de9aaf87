import Foundation
import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `BlobStore` promises of further names of its blobs.
@Suite("A blob store's links")
struct BlobStoreLinkConformance {
    typealias Implementation = BlobStoreImplementation

    @Test(
        "have the blob's bytes, also when the blob is gone or was pushed again",
        arguments: Implementation.all,
        SupportedAlgorithm.allCases
    )
    func content(_ implementation: Implementation, _ algorithm: SupportedAlgorithm) async throws {
        try await withTemporaryFolder { folder in
            try await implementation.withStore(in: folder) { store in
                for bytes in [[], patternedBytes(100_000)] {
                    let blob = BlobFixture(bytes, algorithm: algorithm)
                    try await store.place(blob)
                    let path = folder.file("link-\(bytes.count)")
                    #expect(try store.link(blob.digest, size: blob.size, toFile: path))
                    #expect(FileManager.default.contents(atPath: path) == Data(bytes))
                    #expect(try await store.content(blob) == bytes)
                    try await store.place(blob)
                    try store.remove(blob.digest)
                    #expect(FileManager.default.contents(atPath: path) == Data(bytes))
                }
            }
        }
    }

    @Test("cannot be written through", arguments: Implementation.all)
    func protection(_ implementation: Implementation) async throws {
        try await withTemporaryFolder { folder in
            try await implementation.withStore(in: folder) { store in
                let blob = BlobFixture("content")
                try await store.place(blob)
                for path in [folder.file("one"), folder.file("two")] {
                    #expect(try store.link(blob.digest, size: blob.size, toFile: path))
                    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
                    #expect(try #require(mode as? Int) & 0o222 == 0)
                }
                try FileManager.default.removeItem(atPath: folder.file("one"))
                #expect(try await store.content(blob) == blob.bytes)
                // A blob that is protected can still be pushed again, and removed.
                try await store.place(blob)
                try store.remove(blob.digest)
                #expect(try await store.content(blob) == nil)
            }
        }
    }

    @Test(
        "are not made of what is not there, of another size, or over what is",
        arguments: Implementation.all
    )
    func refusals(_ implementation: Implementation) async throws {
        try await withTemporaryFolder { folder in
            try await implementation.withStore(in: folder) { store in
                let blob = BlobFixture("content")
                let path = folder.file("link")
                for digest in [blob.digest, try Digest("blake3:abc")] {
                    #expect(try !store.link(digest, size: 7, toFile: path))
                }
                try await store.place(blob)
                #expect(throws: StorageError.corrupt(blob.digest)) {
                    try store.link(blob.digest, size: 8, toFile: path)
                }
                #expect(throws: StorageError.self) {
                    try store.link(blob.digest, size: 7, toFile: folder.file("nowhere/link"))
                }
                #expect(!FileManager.default.fileExists(atPath: path))
                try Data("taken".utf8).write(to: URL(filePath: path))
                #expect(try store.link(blob.digest, size: 7, toFile: path))
                #expect(FileManager.default.contents(atPath: path) == Data("taken".utf8))
            }
        }
    }
}
