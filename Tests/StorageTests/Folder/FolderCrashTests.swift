import Foundation
import OCI
import TestSupport
import Testing

@testable import Storage

/// A process that is killed for good while it works on a folder.
@Suite("A folder whose owner is killed")
struct FolderCrashTests {
    typealias Promise = FolderFaultTests.Promise

    /// A file of promises, each written with one call, so that a kill cuts off none.
    struct Diary {
        let path: String

        func note(_ promise: Promise) throws {
            let line =
                switch promise {
                case .blob(let digest): "blob \(digest)\n"
                case .manifest(let digest): "manifest \(digest)\n"
                case .noManifest(let digest): "noManifest \(digest)\n"
                case .nothing(let digest): "nothing \(digest)\n"
                }
            let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o600)
            defer { close(descriptor) }
            let bytes = Array(line.utf8)
            guard write(descriptor, bytes, bytes.count) == bytes.count else {
                throw CocoaError(.fileWriteUnknown)
            }
        }

        /// What was promised last of each thing.
        func promises() throws -> [OCI.Digest: Promise] {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [:] }
            return try text.split(separator: "\n").reduce(into: [:]) { promises, line in
                let words = line.split(separator: " ")
                let digest = try OCI.Digest(words[1])
                promises[digest] =
                    switch words[0] {
                    case "blob": .blob(digest)
                    case "manifest": .manifest(digest)
                    case "noManifest": .noManifest(digest)
                    default: .nothing(digest)
                    }
            }
        }
    }

    /// Opens the folder that a process left, and holds it to what that promised.
    static func expectPromises(
        _ folder: TemporaryFolder,
        atLeast count: Int = 0,
        _ comment: Comment
    ) async throws {
        let promises = try Diary(path: folder.file("diary")).promises()
        #expect(promises.count >= count, comment)
        try await FolderScene.with(folder.file("storage")) { scene async throws in
            try await scene.expectWhole(comment)
            try await FolderFaultTests.expect(promises.values, scene, comment)
        }
    }

    @Test("at any call to the disk keeps what was promised")
    func killedAtEveryCall() async throws {
        let count = try await FolderFaultTests.countCalls()
        // Every third, from another first one each time: a process takes a while to start.
        let first = Int.random(in: 0..<3)
        for number in stride(from: first, to: count, by: 3) {
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let path = folder.path
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, number = number as Int] in
                let files = FaultyFileOperations()
                let calls = Shared(0)
                files.observe { _ in if calls.increment() > number { kill(getpid(), SIGKILL) } }
                let diary = Diary(path: path + "/diary")
                try await FolderScene.with(path + "/storage", files: files) { scene in
                    try await FolderFaultTests.Work().run(scene) { try diary.note($0) }
                }
            }
            try await Self.expectPromises(folder, "killed at call \(number) of \(count)")
        }
    }

    @Test("in the midst of many clients' work keeps what was promised", arguments: 0..<12)
    func killedUnderLoad(_ round: Int) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path
        // So many promises, and then so many calls to the disk by whoever makes them.
        let promises = Int.random(in: 0...120)
        let calls = Int.random(in: 1...30)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, promises = promises as Int, calls = calls as Int] in
            let files = FaultyFileOperations()
            let scene = try await FolderScene.open(path + "/storage", files: files)
            let diary = Diary(path: path + "/diary")
            let noted = Shared(0)
            let callsLeft = Shared(calls)
            files.observe { _ in
                guard noted.value >= promises else { return }
                if callsLeft.update({
                    $0 -= 1; return $0
                }) <= 0 {
                    kill(getpid(), SIGKILL)
                }
            }
            await withTaskGroup { group in
                for client in 0..<6 {
                    group.addTask {
                        for number in 0... {
                            try? await Self.pushAndDelete("\(client) \(number)", scene) { promise in
                                try diary.note(promise)
                                noted.increment()
                            }
                        }
                    }
                }
            }
        }
        let comment: Comment = "killed \(calls) calls after \(promises) promises"
        try await Self.expectPromises(folder, atLeast: promises > 0 ? 1 : 0, comment)
    }

    /// Pushes two images that share a layer with everybody's, and deletes one of them.
    static func pushAndDelete(
        _ name: String,
        _ scene: FolderScene,
        _ note: (Promise) throws -> Void
    ) async throws {
        let shared = BlobFixture("shared layer")
        let images = try ["kept", "gone"].map { kind in
            try ImageFixture("\(kind) \(name)", layers: [shared, BlobFixture("\(kind) layer \(name)")])
        }
        for image in images {
            for blob in image.blobs {
                try await scene.push(blob, to: scene.app)
                try note(.blob(blob.digest))
            }
            try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
            try note(.manifest(image.manifest.digest))
        }
        try note(.nothing(images[1].manifest.digest))
        _ = try await scene.delete(images[1].manifest, in: scene.app)
        try note(.noManifest(images[1].manifest.digest))
        let layer = images[1].layers[1].digest
        try note(.nothing(layer))
        _ = try await scene.catalog.deleteBlob(layer, in: scene.app)
        try await scene.sweep()
    }
}
