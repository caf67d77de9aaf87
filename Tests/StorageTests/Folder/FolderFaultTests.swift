import Foundation
import NIOCore
import OCI
import TestSupport
import Testing

@testable import Storage

/// A folder whose disk fails, or whose process dies, at each call to the file system in turn.
@Suite("A folder at every call to the disk")
struct FolderFaultTests {
    /// What is done: two images, one of them deleted and collected, a session that is resumed and one that is not.
    struct Work: Sendable {
        let kept: ImageFixture
        let gone: ImageFixture
        let tags: [Tag] = [.latest, .stable]

        init() throws {
            let shared = BlobFixture(patternedBytes(3000))
            kept = try ImageFixture("kept", layers: [shared, BlobFixture("one", algorithm: .sha512)])
            gone = try ImageFixture("gone", layers: [shared, BlobFixture("two")])
        }

        /// Does it all; `note` is called with each promise once it has been made, and before it is taken back.
        func run(_ scene: FolderScene, note: (Promise) async throws -> Void = { _ in }) async throws {
            try await pushInParts(kept.layers[0], scene)
            try await note(.blob(kept.layers[0].digest))
            for blob in kept.blobs + gone.blobs {
                try await scene.push(blob, to: scene.app)
                try await note(.blob(blob.digest))
            }
            try await scene.publish(kept.manifest, in: scene.app, tags: [.latest])
            try await note(.manifest(kept.manifest.digest))
            try await scene.publish(gone.manifest, in: scene.app, tags: [.stable])
            try await note(.manifest(gone.manifest.digest))
            _ = try await scene.mount(gone.layers[1], to: scene.other)
            try await note(.nothing(gone.manifest.digest))
            _ = try await scene.delete(gone.manifest, in: scene.app)
            try await note(.noManifest(gone.manifest.digest))
            for digest in [gone.configuration.digest, gone.layers[1].digest] {
                try await note(.nothing(digest))
            }
            scene.clock.advance(by: FolderScene.grace * 2)
            try await scene.collect()
        }

        private func pushInParts(_ blob: BlobFixture, _ scene: FolderScene) async throws {
            let session = try await scene.blobs.beginUpload(BlobStoreUploadConformance.header(.sha512))
            for part in [blob.bytes[..<1000], blob.bytes[1000...]] {
                let offset = try await scene.blobs.durableOffset(of: session)
                _ = try await scene.blobs.append([ByteBuffer(bytes: part)], to: session, at: offset)
            }
            // Not the algorithm that it was begun with: it is read again.
            let verified = try await scene.blobs.finishUpload(session, expecting: blob.digest)
            _ = try await scene.publish(verified, to: scene.app)
            let abandoned = try await scene.blobs.upload(
                [1, 2, 3],
                header: BlobStoreUploadConformance.header()
            )
            try await scene.blobs.cancelUpload(abandoned)
        }

        /// What is there when it has been done.
        func expectDone(_ scene: FolderScene, _ comment: Comment) async throws {
            #expect(
                try await scene.manifest(.tag(.latest), in: scene.app)?.digest == kept.manifest.digest,
                comment
            )
            #expect(try await scene.manifest(.tag(.stable), in: scene.app) == nil, comment)
            for blob in kept.blobs {
                #expect(try await scene.pull(blob, from: scene.app) == blob.bytes, comment)
            }
            for blob in [gone.configuration, gone.layers[1]] {
                #expect(try await scene.pull(blob, from: scene.app) == nil, comment)
            }
            try await scene.expectWhole(comment)
        }
    }

    /// What a client has been told, as a line of text.
    enum Promise: Hashable {
        case blob(OCI.Digest)
        case manifest(OCI.Digest)
        case noManifest(OCI.Digest)
        /// Whatever was promised of it counts no longer.
        case nothing(OCI.Digest)

        var digest: OCI.Digest {
            switch self {
            case .blob(let digest), .manifest(let digest), .noManifest(let digest), .nothing(let digest):
                digest
            }
        }
    }

    /// Holds a folder to promises, of which there is one for each thing.
    static func expect(
        _ promises: some Sequence<Promise>,
        _ scene: FolderScene,
        _ comment: Comment
    ) async throws {
        for promise in promises {
            switch promise {
            case .blob(let digest):
                let record = try await scene.catalog.blob(digest, in: scene.app)
                #expect(record != nil, "\(digest) \(comment.rawValue)")
            case .manifest(let digest):
                let record = try await scene.manifest(.digest(digest), in: scene.app)
                #expect(record != nil, "\(digest) \(comment.rawValue)")
            case .noManifest(let digest):
                let record = try await scene.manifest(.digest(digest), in: scene.app)
                #expect(record == nil, "\(digest) \(comment.rawValue)")
            case .nothing: break
            }
        }
    }

    /// How many calls the work takes, opening included.
    static func countCalls() async throws -> Int {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var count = 0
        try await FolderScene.with(folder.path) { scene in
            let work = try Work()
            try await work.run(scene)
            count = scene.files.calls.count
            try await work.expectDone(scene, "without faults")
        }
        return count
    }

    @Test(
        "fails as the call did, and goes on as if nothing had been",
        arguments: [ENOSPC, EIO, EMFILE, EROFS]
    )
    func everyCallFails(_ code: CInt) async throws {
        let count = try await Self.countCalls()
        #expect(count > 80)
        // Each in turn for the one whose meaning is the least clear, some for the others; half of them in each way
        // of going on.
        let step = code == EIO || Thoroughness.current.points == nil ? 1 : 3
        for number in stride(from: Int.random(in: 0..<step), to: count, by: step) {
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let comment: Comment = "errno \(code) at call \(number) of \(count)"
            let files = FaultyFileOperations()
            let clock = ManualClock()
            let promises = Shared<[OCI.Digest: Promise]>([:])
            files.fail(nil, skip: number, with: code)
            let ending = number.isMultiple(of: 2) ? FolderScene.Ending.crash : .close
            do {
                try await FolderScene.with(folder.path, files: files, clock: clock, ending: ending) { scene in
                    try await Self.workOn(scene, code, promises, comment)
                }
            } catch {
                // Opening failed, or closing.
                Self.expect(error, code, comment)
            }
            files.mend()
            let failed = try #require(files.calls.dropFirst(number).first).operation
            try await FolderScene.with(folder.path, files: files, clock: clock) { scene in
                try await scene.expectWhole(comment)
                let kept = promises.value.values.filter { promise in
                    // Blobs go where they cannot be flushed.
                    if case .blob = promise { !failed.isFlush } else { true }
                }
                try await Self.expect(kept, scene, comment)
                let work = try Work()
                try await work.run(scene)
                try await work.expectDone(scene, comment)
            }
        }
    }

    /// Does the work, and where that fails, again.
    static func workOn(
        _ scene: FolderScene,
        _ code: CInt,
        _ promises: Shared<[OCI.Digest: Promise]>,
        _ comment: Comment
    ) async throws {
        let work = try Work()
        let note = { (promise: Promise) in promises.update { $0[promise.digest] = promise } }
        do {
            try await work.run(scene, note: note)
        } catch {
            expect(error, code, comment)
            try await scene.expectWhole(isSettled: false, comment)
            scene.files.mend()
            try await work.run(scene, note: note)
        }
    }

    static func expect(_ error: any Error, _ code: CInt, _ comment: Comment) {
        switch (error as? StorageError, code) {
        case (.full, ENOSPC), (.tooManyOpenFiles, EMFILE), (.failed(_, _, EIO), EIO), (.readOnly, EROFS):
            return
        default: Issue.record("\(error) \(comment.rawValue)")
        }
    }
}
