import Foundation
import NIOCore
import NIOPosix
import OCI
import Synchronization
import TestSupport
import Testing

@testable import Storage

extension FileBlobStoreTests {
    @Test("begins no session where a call fails, and leaves nothing", arguments: Fault.all)
    func beginFails(_ fault: Fault) async throws {
        try await Self.withStore { scene in
            for (operation, skip) in [
                (FaultyFileOperations.Operation.open, 0), (.open, 1), (.write, 0), (.rename, 0),
            ] {
                scene.files.fail(operation, skip: skip, with: fault.code)
                let error = await #expect(throws: StorageError.self) {
                    try await scene.store.beginUpload(Self.header())
                }
                #expect(error.map(fault.expected) == true, "\(operation)")
                scene.files.mend()
                #expect(try scene.names("uploads") == [], "\(operation)")
            }
            let upload = try await scene.store.upload([1, 2], header: Self.header())
            #expect(try await scene.store.finishUpload(upload, expecting: nil).digest == Digest(of: [1, 2]))
        }
    }

    @Test("keeps a session as it was where an append fails", arguments: Fault.all)
    func appendFails(_ fault: Fault) async throws {
        try await Self.withStore { scene in
            let upload = try await scene.store.upload([0, 1], header: Self.header())
            for operation in [FaultyFileOperations.Operation.open, .write] {
                scene.files.fail(operation, with: fault.code)
                let error = await #expect(throws: StorageError.self) {
                    try await scene.store.append([ByteBuffer(bytes: [7, 7, 7, 7])], to: upload, at: 2)
                }
                #expect(error.map(fault.expected) == true, "\(operation)")
                #expect(try await scene.store.durableOffset(of: upload) == 2)
            }
            // The first chunk is written whole, the second is not.
            scene.files.fail(.write, skip: 1, with: fault.code)
            let chunks = [ByteBuffer(bytes: [2]), ByteBuffer(bytes: [9, 9])]
            let error = await #expect(throws: StorageError.self) {
                try await scene.store.append(chunks, to: upload, at: 2)
            }
            #expect(error.map(fault.expected) == true)
            #expect(try await scene.store.durableOffset(of: upload) == 3)
            #expect(try await scene.store.append([ByteBuffer(bytes: [3])], to: upload, at: 3) == 4)
            try await Self.expectContent([0, 1, 2, 3], of: upload, in: scene)
        }
    }

    @Test("hashes a session again where it could not cut off what a failed write left", arguments: [1, 2])
    func truncateFails(_ size: Int) async throws {
        try await Self.withStore { scene in
            let upload = try await scene.store.upload([0, 1], header: Self.header())
            scene.files.fail(.write)
            scene.files.fail(.truncate)
            await #expect(throws: StorageError.self) {
                try await scene.store.append([ByteBuffer(repeating: 7, count: 2 * size)], to: upload, at: 2)
            }
            // Half of it came through, and counts.
            let offset = Int64(2 + size)
            #expect(try await scene.store.durableOffset(of: upload) == offset)
            _ = try await scene.store.append([ByteBuffer(bytes: [8])], to: upload, at: offset)
            try await Self.expectContent(
                [0, 1] + [UInt8](repeating: 7, count: size) + [8],
                of: upload,
                in: scene
            )
        }
    }

    @Test("keeps a session that cannot be read again to be finished", arguments: Fault.all)
    func finishFails(_ fault: Fault) async throws {
        try await Self.withStore { scene in
            let upload = try await scene.store.upload([1, 2, 3], header: Self.header())
            let digest = Digest(of: [1, 2, 3], algorithm: .sha512)
            for operation in [FaultyFileOperations.Operation.open, .read] {
                scene.files.fail(operation, with: fault.code)
                let error = await #expect(throws: StorageError.self) {
                    try await scene.store.finishUpload(upload, expecting: digest)
                }
                #expect(error.map(fault.expected) == true, "\(operation)")
                #expect(try await scene.store.durableOffset(of: upload) == 3)
            }
            #expect(try await scene.store.finishUpload(upload, expecting: digest).digest == digest)
        }
    }

    @Test("ends a session even where its files cannot be removed", arguments: [0, 1])
    func removeFails(_ skip: Int) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var uploads: [UploadID] = []
        try await Self.withStore(in: folder) { scene in
            let cancelled = try await scene.store.upload([1, 2, 3], header: Self.header())
            scene.files.fail(.remove, skip: skip)
            try await scene.store.cancelUpload(cancelled)
            scene.files.mend()
            let mismatched = try await scene.store.upload([1, 2, 3], header: Self.header())
            scene.files.fail(.remove, skip: skip)
            await #expect(throws: StorageError.self) {
                try await scene.store.finishUpload(mismatched, expecting: Digest(of: [9]))
            }
            for upload in [cancelled, mismatched] {
                await BlobStoreUploadConformance.expectUnknown(upload, in: scene.store)
            }
            uploads = [cancelled, mismatched]
        }
        // Without its header it is no session for the next process either; with it, it may be.
        guard skip == 1 else { return }
        try await Self.withStore(in: folder) { scene async throws in
            #expect(try scene.names("uploads") == [])
            for upload in uploads { await BlobStoreUploadConformance.expectUnknown(upload, in: scene.store) }
        }
    }

    @Test("does not know a session whose bytes somebody removed")
    func bytesGone() async throws {
        try await Self.withStore { scene in
            let upload = try await scene.store.upload([1, 2, 3], header: Self.header(.sha512))
            try FileManager.default.removeItem(atPath: scene.folder.file("uploads/\(upload)"))
            await #expect(throws: StorageError.unknownUpload(upload)) {
                try await scene.store.append([ByteBuffer(bytes: [4])], to: upload, at: 3)
            }
            await #expect(throws: StorageError.unknownUpload(upload)) {
                try await scene.store.finishUpload(upload, expecting: Digest(of: [1, 2, 3]))
            }
        }
    }

    @Test("does not pretend that a session's bytes are there which somebody cut off")
    func bytesCutOff() async throws {
        try await Self.withStore { scene in
            let upload = try await scene.store.upload([1, 2, 3], header: Self.header(.sha512))
            let path = scene.folder.file("uploads/\(upload)")
            #expect(truncate(path, 2) == 0)
            let failure = StorageError.failed(operation: "read", path: path, code: EIO)
            #expect(try await scene.store.read(0..<2, of: upload).readableBytes == 2)
            await #expect(throws: failure) { try await scene.store.read(0..<3, of: upload) }
            await #expect(throws: failure) {
                try await scene.store.finishUpload(upload, expecting: Digest(of: [1, 2]))
            }
        }
    }

    @Test("says what failed where a blob is opened, read, placed or removed", arguments: Fault.all)
    func blobCallsFail(_ fault: Fault) async throws {
        try await Self.withStore { scene in
            let blob = BlobFixture("content")
            let verified = try await scene.store.verified(blob)
            scene.files.fail(.rename, with: fault.code)
            var error = #expect(throws: StorageError.self) {
                try scene.store.placement(of: verified).replace()
            }
            #expect(error.map(fault.expected) == true)
            try scene.store.placement(of: verified).replace()
            for operation in [FaultyFileOperations.Operation.open, .size] {
                scene.files.fail(operation, with: fault.code)
                error = await #expect(throws: StorageError.self) {
                    _ = try await scene.store.open(blob.digest, size: blob.size)
                }
                #expect(error.map(fault.expected) == true)
            }
            let open = try #require(await scene.store.open(blob.digest, size: blob.size))
            scene.files.fail(.read, with: fault.code)
            error = await #expect(throws: StorageError.self) { try await open.read(0..<3) }
            #expect(error.map(fault.expected) == true)
            scene.files.fail(.read, with: fault.code)
            error = await #expect(throws: StorageError.self) {
                try await scene.store.verify(blob.digest, size: blob.size)
            }
            #expect(error.map(fault.expected) == true)
            scene.files.fail(.entries, with: fault.code)
            error = await #expect(throws: StorageError.self) { try await scene.store.forEachPlaced { _ in } }
            #expect(error.map(fault.expected) == true)
            scene.files.fail(.remove, with: fault.code)
            error = #expect(throws: StorageError.self) { try scene.store.remove(blob.digest) }
            #expect(error.map(fault.expected) == true)
            #expect(try await scene.store.content(blob) == blob.bytes)
        }
    }

    @Test("does not open where its folders cannot be made or read", arguments: Fault.all)
    func openFails(_ fault: Fault) async throws {
        for operation in [FaultyFileOperations.Operation.makeFolder, .entries] {
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let files = FaultyFileOperations()
            files.fail(operation, with: fault.code)
            let error = await #expect(throws: StorageError.self) {
                try await Self.withStore(in: folder, files: files) { _ in }
            }
            #expect(error.map(fault.expected) == true)
        }
    }

    @Test("finds damage that leaves the size as it was, and bytes that are missing")
    func damage() async throws {
        try await Self.withStore { scene in
            let blob = BlobFixture(patternedBytes(600_000))
            try await scene.store.place(blob)
            let path = scene.folder.file("blobs/sha256/\(blob.digest.encoded)")
            #expect(try await scene.store.verify(blob.digest, size: blob.size))
            var bytes = blob.bytes
            bytes[599_999] ^= 1
            try Data(bytes).write(to: URL(filePath: path))
            #expect(try await !scene.store.verify(blob.digest, size: blob.size))
            let open = try #require(await scene.store.open(blob.digest, size: blob.size))
            #expect(truncate(path, 300_000) == 0)
            #expect(try await !scene.store.verify(blob.digest, size: blob.size))
            await #expect(throws: StorageError.corrupt(blob.digest)) {
                _ = try await scene.store.open(blob.digest, size: blob.size)
            }
            // Nobody is served less than was announced.
            #expect(try await open.read(0..<300_000).readableBytes == 300_000)
            await #expect(throws: StorageError.corrupt(blob.digest)) { try await open.read(0..<300_001) }
        }
    }

    static func expectContent(_ bytes: [UInt8], of upload: UploadID, in scene: Scene) async throws {
        let verified = try await scene.store.finishUpload(upload, expecting: nil)
        #expect(verified.digest == Digest(of: bytes))
        try scene.store.placement(of: verified).replace()
        #expect(try await scene.store.content(BlobFixture(bytes)) == bytes)
    }
}
