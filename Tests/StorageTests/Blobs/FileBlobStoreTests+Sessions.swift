import Foundation
import NIOCore
import OCI
import TestSupport
import Testing

@testable import Storage

// What a file blob store remembers of its sessions.
extension FileBlobStoreTests {
    @Test("keeps no session in memory that has ended, however it did")
    func memory() async throws {
        try await Self.withStore { scene in
            let store = scene.store
            let header = try Self.header()
            for _ in 0..<3 {
                try await store.cancelUpload(store.upload([1], header: header))
                await store.discard(try await store.finishUpload(store.upload([1]), expecting: nil))
                _ = try? await store.finishUpload(
                    store.upload([1], header: header),
                    expecting: Digest(of: [2])
                )
                _ = try? await store.session(UploadID())
            }
            #expect(store.sessionCount == 0)
            let kept = try await store.upload([1], header: header)
            #expect(store.sessionCount == 1)
            try await store.cancelUpload(kept)
            #expect(store.sessionCount == 0)
        }
    }

    @Test("lists what lies on the disk without keeping it in memory")
    func listing() async throws {
        try await withTemporaryFolder { folder in
            let header = try Self.header()
            try await Self.withStore(in: folder) { scene in
                for _ in 0..<30 { _ = try await scene.store.upload([1], header: header) }
            }
            try await Self.withStore(in: folder) { scene in
                let page = try await scene.store.uploadPage(after: nil, limit: 20)
                #expect(page.elements.count == 20)
                #expect(page.hasMore)
                #expect(scene.store.sessionCount == 0)
            }
        }
    }

    @Test("forgets a session that goes while it is being read into memory")
    func vanishing() async throws {
        try await withTemporaryFolder { folder in
            let header = try Self.header()
            let ids = Shared<[UploadID]>([])
            try await Self.withStore(in: folder) { scene in
                let id = try await scene.store.upload([1], header: header)
                ids.update { $0.append(id) }
            }
            let id = try #require(ids.value.first)
            let files = FaultyFileOperations()
            try await Self.withStore(in: folder, files: files) { scene in
                let reads = Shared(0)
                files.observe { call in
                    // What loading reads last is how large the file is: behind it the files go.
                    guard call == .init(operation: .size, path: folder.file("uploads/\(id)")) else { return }
                    reads.increment()
                    for suffix in ["", ".json"] {
                        try? FileManager.default.removeItem(atPath: folder.file("uploads/\(id)\(suffix)"))
                    }
                }
                await #expect(throws: StorageError.unknownUpload(id)) { try await scene.store.session(id) }
                #expect(reads.value == 1)
                #expect(scene.store.sessionCount == 0)
            }
        }
    }

    @Test(
        "A session whose bytes somebody has removed or cut off becomes no blob",
        arguments: [nil, 2] as [Int?]
    )
    func damagedBytes(left: Int?) async throws {
        try await Self.withStore { scene in
            let id = try await scene.store.upload([1, 2, 3], header: Self.header())
            let path = scene.folder.file("uploads/\(id)")
            if let left { #expect(truncate(path, left) == 0) } else { #expect(unlink(path) == 0) }
            await #expect {
                _ = try await scene.store.finishUpload(id, expecting: nil)
            } throws: { error in
                switch error as? StorageError {
                case .unknownUpload: left == nil
                case .failed(_, path, EIO): left != nil
                default: false
                }
            }
        }
    }

    @Test("The disk is given large content while it comes, and small content when it is flushed")
    func writeback() async throws {
        try await Self.withStore { scene in
            let part = ByteBuffer(repeating: 7, count: 3 << 20)
            let id = try await scene.store.beginUpload(nil)
            var counts: [Int] = []
            for number in 0..<7 {
                _ = try await scene.store.append([part], to: id, at: Int64(number) * 3 << 20)
                counts.append(scene.files.count(of: .startWriteback))
            }
            #expect(counts == [0, 0, 1, 1, 1, 2, 2])
        }
    }

    @Test(
        "Where the disk refuses what it is given early, the client is told, and what counts is what the file has"
    )
    func failedWriteback() async throws {
        try await Self.withStore { scene in
            let part = ByteBuffer(repeating: 7, count: 9 << 20)
            let id = try await scene.store.beginUpload(nil)
            scene.files.fail(.startWriteback)
            let path = scene.folder.file("uploads/\(id)")
            let expected = StorageError.failed(operation: "sync_file_range", path: path, code: EIO)
            await #expect(throws: expected) { try await scene.store.append([part], to: id, at: 0) }
            #expect(try await scene.store.durableOffset(of: id) == 9 << 20)
            let reads = scene.files.count(of: .read)
            let verified = try await scene.store.finishUpload(id, expecting: nil)
            #expect(verified.digest == Digest(of: Array(part.readableBytesView)))
            #expect(scene.files.count(of: .read) > reads)
        }
    }
}
