import Foundation
import NIOCore
import OCI
import TestSupport
import Testing

@testable import Storage

/// Stored bytes that are read again.
@Suite("A blob that is examined")
struct ExaminationTests {
    /// More than is read at once.
    private let blob = BlobFixture(patternedBytes(2_500_000))

    private func condition(_ blob: BlobFixture, _ scene: FolderScene) async throws -> BlobCondition {
        try await scene.blobs.examine(blob.digest, size: blob.size) { _ in }
    }

    @Test("is what is found of it", arguments: RecoveryTests.Damage.allCases)
    func damaged(_ damage: RecoveryTests.Damage) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await FolderScene.with(folder.path, ending: .crash) { scene async throws in
            try await scene.push(blob, to: scene.app)
            let passed = Shared<[Int]>([])
            let whole = try await scene.blobs.examine(blob.digest, size: blob.size) { count in
                passed.update { $0.append(count) }
            }
            #expect(whole == .whole)
            #expect(passed.value.reduce(0, +) == blob.bytes.count && passed.value.count == 3)
            let size = blob.bytes.count
            try RecoveryTests.damage(scene.path(of: blob), damage, size: size)
            let expected: BlobCondition =
                switch damage {
                case .torn: .wrongSize(Int64(size / 2))
                case .zeroed: .wrongBytes(OCI.Digest(of: [UInt8](repeating: 0, count: size)))
                case .empty: .wrongSize(0)
                case .longer: .wrongSize(Int64(size + 1))
                case .missing: .missing
                case .otherBytes: .wrongBytes(OCI.Digest(of: patternedBytes(size, seed: 99)))
                }
            #expect(try await condition(blob, scene) == expected)
        }
    }

    @Test("of any algorithm, also of no bytes")
    func others() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await FolderScene.with(folder.path) { scene async throws in
            for blob in [BlobFixture([]), BlobFixture("x", algorithm: .sha512)] {
                #expect(try await condition(blob, scene) == .missing)
                #expect(try await scene.blobs.placed(blob.digest) == nil)
                let before = Timestamp.now + .seconds(-1)
                try await scene.push(blob, to: scene.app)
                #expect(try await condition(blob, scene) == .whole)
                let placed = try #require(try await scene.blobs.placed(blob.digest))
                #expect(placed.size == blob.size && placed.since > before)
            }
            let unknown = try OCI.Digest("blake3:abc")
            #expect(try await scene.blobs.examine(unknown, size: 1) { _ in } == .missing)
        }
    }

    @Test(
        "An error of the disk is the blob's, and one of the process is not",
        arguments: [FaultyFileOperations.Operation.open, .size, .read]
    )
    func errors(_ operation: FaultyFileOperations.Operation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await FolderScene.with(folder.path) { scene async throws in
            try await scene.push(blob, to: scene.app)
            for code in [EIO, EACCES] {
                scene.files.fail(operation, with: code) { $0.hasSuffix(blob.digest.encoded) }
                #expect(try await condition(blob, scene) == .unreadable(code: code))
            }
            scene.files.fail(operation, with: EMFILE) { $0.hasSuffix(blob.digest.encoded) }
            await #expect(throws: StorageError.tooManyOpenFiles) { try await condition(blob, scene) }
            scene.files.mend()
            #expect(try await condition(blob, scene) == .whole)
        }
    }

    @Test("Whoever waits for it can stop it")
    func stops() async throws {
        struct Stop: Error {}
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await FolderScene.with(folder.path) { scene async throws in
            try await scene.push(blob, to: scene.app)
            await #expect(throws: Stop.self) {
                try await scene.blobs.examine(blob.digest, size: blob.size) { _ in throw Stop() }
            }
        }
    }

    @Test("What is left of uploads is found, and sessions are left alone")
    func leftovers() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await FolderScene.with(folder.path) { scene async throws in
            let header = try BlobStoreUploadConformance.header()
            let resumable = try await scene.blobs.upload([1, 2], header: header)
            let open = try await scene.blobs.upload([3], header: nil)
            for name in [UploadID().rawValue, "\(UploadID()).json", "stranger"] {
                try Data("x".utf8).write(to: URL(filePath: folder.file("uploads/\(name)")))
            }
            try FileManager.default.createDirectory(
                atPath: folder.file("uploads/folder"),
                withIntermediateDirectories: false
            )
            let later = Timestamp.now + .seconds(10)
            let earlier = Timestamp.now + .seconds(-3600)
            #expect(try await scene.blobs.clearLeftovers(before: earlier, isRehearsal: false) == 0)
            #expect(try await scene.blobs.clearLeftovers(before: later, isRehearsal: true) == 3)
            #expect(try await scene.blobs.clearLeftovers(before: later, isRehearsal: false) == 3)
            #expect(try await scene.blobs.clearLeftovers(before: later, isRehearsal: false) == 0)
            #expect(try await scene.blobs.durableOffset(of: resumable) == 2)
            #expect(try await scene.blobs.durableOffset(of: open) == 1)
        }
    }
}
