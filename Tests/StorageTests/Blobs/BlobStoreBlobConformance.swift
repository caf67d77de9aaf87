import NIOCore
import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `BlobStore` promises of content that has been verified.
@Suite("A blob store's content")
struct BlobStoreBlobConformance {
    typealias Implementation = BlobStoreImplementation

    @Test("is absent until it is placed", arguments: Implementation.all)
    func absent(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture("content")
            #expect(try await store.open(blob.digest, size: blob.size) == nil)
            let verified = try await store.verified(blob)
            #expect(try await store.open(blob.digest, size: blob.size) == nil)
            #expect(try await !store.verify(blob.digest, size: blob.size))
            try store.placement(of: verified).replace()
            #expect(try await store.content(blob) == blob.bytes)
            #expect(try await store.verify(blob.digest, size: blob.size))
            #expect(try await store.open(Digest("md5:abc"), size: 3) == nil)
            #expect(try await !store.verify(Digest("md5:abc"), size: 3))
        }
    }

    @Test("is read from anywhere to anywhere", arguments: Implementation.all, SupportedAlgorithm.allCases)
    func ranges(_ implementation: Implementation, _ algorithm: SupportedAlgorithm) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture(patternedBytes(100_003), algorithm: algorithm)
            try await store.place(blob)
            let open = try #require(await store.open(blob.digest, size: blob.size))
            #expect(open.digest == blob.digest)
            #expect(open.size == blob.size)
            var generator = SplitMix(seed: 7)
            var ranges: [Range<Int64>] = [0..<0, 0..<1, 0..<blob.size, 100_002..<100_003, 100_003..<100_003]
            for _ in 0..<50 {
                let start = Int64.random(in: 0...blob.size, using: &generator)
                ranges.append(start..<Int64.random(in: start...blob.size, using: &generator))
            }
            for range in ranges {
                let part = try await open.read(range)
                #expect(
                    Array(part.readableBytesView)
                        == Array(blob.bytes[Int(range.lowerBound)..<Int(range.upperBound)])
                )
            }
        }
    }

    @Test("of another size than it should have is corrupt", arguments: Implementation.all)
    func size(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture("content")
            try await store.place(blob)
            for size in [0, blob.size - 1, blob.size + 1, .max] {
                await #expect(throws: StorageError.corrupt(blob.digest)) {
                    _ = try await store.open(blob.digest, size: size)
                }
                #expect(try await !store.verify(blob.digest, size: size))
            }
        }
    }

    @Test("goes on being read where it was open when it was removed", arguments: Implementation.all)
    func removedWhileOpen(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture(patternedBytes(10_000))
            try await store.place(blob)
            let open = try #require(await store.open(blob.digest, size: blob.size))
            try store.remove(blob.digest)
            #expect(try await store.open(blob.digest, size: blob.size) == nil)
            let content = try await open.read(0..<open.size)
            #expect(Array(content.readableBytesView) == blob.bytes)
            try store.remove(blob.digest)
            try store.remove(Digest("md5:abc"))
        }
    }

    @Test("survives a restart", arguments: Implementation.all)
    func restart(_ implementation: Implementation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let blob = BlobFixture("content")
        try await implementation.withStore(in: folder) { try await $0.place(blob) }
        try await implementation.withStore(in: folder) { store async throws in
            #expect(try await store.content(blob) == blob.bytes)
        }
    }

    @Test("is enumerated whole, in portions", arguments: Implementation.all)
    func enumeration(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blobs = (0..<1100).map {
                BlobFixture("blob \($0)", algorithm: $0 % 10 == 0 ? .sha512 : .sha256)
            }
            try await withThrowingTaskGroup { group in
                for start in 0..<8 {
                    group.addTask {
                        for index in stride(from: start, to: blobs.count, by: 8) {
                            try await store.place(blobs[index])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let waiting = try await store.verified(BlobFixture("not placed"))
            let found = Shared<[Digest]>([])
            try await store.forEachPlaced { digests in
                #expect(digests.count <= 1000)
                found.update { $0 += digests }
            }
            #expect(found.value.count == blobs.count)
            #expect(Set(found.value) == Set(blobs.map(\.digest)))
            await store.discard(waiting)

            struct Stop: Error {}
            await #expect(throws: Stop.self) { try await store.forEachPlaced { _ in throw Stop() } }
        }
    }
}

// MARK: Placement

extension BlobStoreBlobConformance {
    @Test("is put in its place where it is not there already", arguments: Implementation.all)
    func ensure(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture("content")
            let first = try await store.verified(blob)
            #expect(try store.placement(of: first).ensure())
            await store.discard(first)

            let second = try await store.verified(blob)
            let placement = store.placement(of: second)
            #expect(try !placement.ensure())
            // It put nothing there, so it takes nothing away.
            placement.undo()
            await store.discard(second)
            #expect(try await store.content(blob) == blob.bytes)
        }
    }

    @Test("is taken back by undo, once, and can be placed again", arguments: Implementation.all)
    func undo(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture("content")
            let verified = try await store.verified(blob)
            let placement = store.placement(of: verified)
            placement.undo()
            #expect(try await store.open(blob.digest, size: blob.size) == nil)
            try placement.replace()
            placement.undo()
            #expect(try await store.open(blob.digest, size: blob.size) == nil)
            try placement.replace()
            #expect(try await store.content(blob) == blob.bytes)
            placement.undo()
            placement.undo()
            await store.discard(verified)
            #expect(try await store.open(blob.digest, size: blob.size) == nil)
            #expect(throws: StorageError.self) { try store.placement(of: verified).replace() }
        }
    }

    @Test("replaces what was in its place", arguments: Implementation.all)
    func replace(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture("content")
            try await store.place(blob)
            let open = try #require(await store.open(blob.digest, size: blob.size))
            try await store.place(blob)
            #expect(try await store.content(blob) == blob.bytes)
            #expect(try await Array(open.read(0..<open.size).readableBytesView) == blob.bytes)
        }
    }

    @Test("leaves nothing where it is discarded instead", arguments: Implementation.all)
    func discard(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture("content")
            let verified = try await store.verified(blob)
            await store.discard(verified)
            #expect(throws: StorageError.self) { try store.placement(of: verified).replace() }
            #expect(try await store.open(blob.digest, size: blob.size) == nil)
        }
    }

    @Test("is made durable, many at once, and what is absent is not", arguments: Implementation.all)
    func sync(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let blobs = (0..<20).map { BlobFixture("blob \($0)", algorithm: $0 % 2 == 0 ? .sha256 : .sha512) }
            for blob in blobs { try await store.place(blob) }
            try await store.sync([])
            try await withThrowingTaskGroup { group in
                for blob in blobs {
                    group.addTask { try await store.sync([blob.digest]) }
                    group.addTask { try await store.sync(blobs.map(\.digest)) }
                }
                try await group.waitForAll()
            }
            await #expect(throws: StorageError.self) {
                try await store.sync([blobs[0].digest, Digest(of: [1])])
            }
            // That one is absent says nothing of the others.
            try await store.sync([blobs[0].digest])
            let late = BlobFixture([1])
            try await store.place(late)
            try await store.sync([late.digest])
        }
    }
}
