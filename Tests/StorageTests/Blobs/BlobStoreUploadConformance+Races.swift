import NIOCore
import OCI
import Storage
import TestSupport
import Testing

extension BlobStoreUploadConformance {
    @Test(
        "goes on after a restart, its hash computed from what was kept",
        arguments: Implementation.all,
        SupportedAlgorithm.allCases
    )
    func resume(_ implementation: Implementation, _ algorithm: SupportedAlgorithm) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let bytes = patternedBytes(700_001)
        let header = try Self.header(algorithm)
        let (upload, untouched) = try await implementation.opened(in: folder) { store in
            let upload = try await store.upload(Array(bytes[..<300_000]), header: header)
            return (upload, try await store.beginUpload(header))
        }
        try await implementation.withStore(in: folder) { store async throws in
            #expect(try await store.durableOffset(of: upload) == 300_000)
            #expect(try await store.session(upload).header == header)
            let middle = [ByteBuffer(bytes: bytes[300_000..<500_000])]
            #expect(try await store.append(middle, to: upload, at: 300_000) == 500_000)
        }
        try await implementation.withStore(in: folder) { store async throws in
            await #expect(throws: StorageError.wrongOffset(expected: 300_000, actual: 500_000)) {
                try await store.append([ByteBuffer(bytes: [1])], to: upload, at: 300_000)
            }
            let rest = [ByteBuffer(bytes: bytes[500_000...])]
            #expect(try await store.append(rest, to: upload, at: 500_000) == 700_001)
            let blob = BlobFixture(bytes, algorithm: algorithm)
            let verified = try await store.finishUpload(upload, expecting: nil)
            #expect(verified.digest == blob.digest)
            try store.placement(of: verified).replace()
            #expect(try await store.content(blob) == bytes)

            #expect(try await store.durableOffset(of: untouched) == 0)
            let empty = try await store.finishUpload(untouched, expecting: nil)
            #expect(empty.digest == Digest(of: [], algorithm: algorithm))
        }
    }

    @Test("without a header ends with the process", arguments: Implementation.all)
    func anonymous(_ implementation: Implementation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let upload = try await implementation.opened(in: folder) { try await $0.upload([1, 2, 3]) }
        try await implementation.withStore(in: folder) { await Self.expectUnknown(upload, in: $0) }
    }

    @Test("takes one of two appends to the same offset", arguments: Implementation.all)
    func racingAppends(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            for _ in 0..<50 {
                let upload = try await store.upload([0], header: Self.header())
                let outcomes = await withTaskGroup(of: (UInt8, Result<Int64, any Error>).self) { group in
                    for value: UInt8 in 1...4 {
                        group.addTask {
                            let chunk = ByteBuffer(repeating: value, count: 1000 * Int(value))
                            do {
                                return (value, .success(try await store.append([chunk], to: upload, at: 1)))
                            } catch {
                                return (value, .failure(error))
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                let winners = outcomes.filter { (try? $0.1.get()) != nil }.map(\.0)
                #expect(winners.count == 1)
                let winner = try #require(winners.first)
                let end = 1 + 1000 * Int64(winner)
                for case (_, .failure(let error)) in outcomes {
                    #expect(error as? StorageError == .wrongOffset(expected: 1, actual: end))
                }
                let expected = [0] + [UInt8](repeating: winner, count: Int(end) - 1)
                #expect(try await store.finishUpload(upload, expecting: nil).digest == Digest(of: expected))
            }
        }
    }

    @Test("is finished or cancelled by one of many that try", arguments: Implementation.all)
    func racingEnds(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            for _ in 0..<50 {
                let upload = try await store.upload([1, 2, 3], header: Self.header(.sha512))
                let ends = await withTaskGroup(of: Bool.self) { group in
                    for index in 0..<6 {
                        group.addTask {
                            do {
                                if index.isMultiple(of: 3) {
                                    try await store.cancelUpload(upload)
                                } else {
                                    _ = try await store.finishUpload(
                                        upload,
                                        expecting: Digest(of: [1, 2, 3])
                                    )
                                }
                                return true
                            } catch {
                                #expect(error as? StorageError == .unknownUpload(upload))
                                return false
                            }
                        }
                    }
                    return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(ends == 1)
            }
        }
    }

    @Test("is independent of others that arrive at the same time", arguments: Implementation.all)
    func concurrent(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            try await withThrowingTaskGroup { group in
                for seed: UInt64 in 0..<24 {
                    group.addTask {
                        var generator = SplitMix(seed: seed)
                        let bytes = generator.bytes(Int.random(in: 0..<200_000, using: &generator))
                        let upload = try await store.beginUpload(Self.header())
                        var offset = 0
                        while offset < bytes.count {
                            let end = min(bytes.count, offset + Int.random(in: 1..<40_000, using: &generator))
                            let chunk = ByteBuffer(bytes: bytes[offset..<end])
                            let reached = try await store.append([chunk], to: upload, at: Int64(offset))
                            #expect(reached == Int64(end), "seed \(seed)")
                            offset = end
                        }
                        let digest = Digest(of: bytes)
                        let verified = try await store.finishUpload(upload, expecting: digest)
                        try store.placement(of: verified).replace()
                        #expect(try await store.content(BlobFixture(bytes)) == bytes, "seed \(seed)")
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("is cleared away even for a client that has gone", arguments: Implementation.all)
    func cancelledTask(_ implementation: Implementation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let uploads = try await implementation.opened(in: folder) { store in
            let cancelled = try await store.upload([1, 2, 3], header: Self.header())
            let discarded = try await store.upload([1, 2, 3], header: Self.header())
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await store.cancelUpload(cancelled)
                await store.discard(try await store.finishUpload(discarded, expecting: nil))
            }
            try await task.value
            return [cancelled, discarded]
        }
        try await implementation.withStore(in: folder) { store async throws in
            for upload in uploads { await Self.expectUnknown(upload, in: store) }
        }
    }
}
