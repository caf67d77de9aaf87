import Dispatch
import Foundation
import OCI
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Registry

/// Exports while others delete, and while calls to the file system fail.
@Suite("Export among deletes and failures")
struct ExportFailureTests {
    private let app = RepositoryName.test

    private func push(_ image: ImageFixture, as tag: String?, _ test: TestRegistry) async throws {
        for blob in image.blobs { try await test.push(blob, to: app) }
        try await push(image.manifest, as: tag, test)
    }

    private func push(_ manifest: ManifestFixture, as tag: String?, _ test: TestRegistry) async throws {
        _ = try await test.registry.pushManifest(
            manifest.bytes,
            contentType: nil,
            as: try tag.map { .tag(try OCI.Tag($0)) } ?? .digest(manifest.digest),
            in: app
        )
    }

    /// Deletes manifests, and everything that only they referred to, bytes and all.
    private static func delete(
        _ digests: [Digest],
        in repository: RepositoryName,
        _ test: TestRegistry
    ) async throws {
        for digest in digests { try await test.registry.deleteManifest(.digest(digest), in: repository) }
        let (catalog, blobs) = (test.storage.catalog, test.storage.blobs)
        let due = test.clock.now + .seconds(1_000_000)
        while try await catalog.markGarbage(now: due, limit: 100) > 0 {}
        while try await !catalog.sweepGarbage(limit: 100, removing: { try blobs.remove($0) }).isEmpty {}
    }

    /// Runs something, once, before the first call of a kind on a file whose name ends so.
    private static func once(
        before operation: FaultyFileOperations.Operation,
        _ suffix: String,
        _ test: TestRegistry,
        _ body: @escaping @Sendable () async throws -> Void
    ) {
        let state = Once()
        test.files.observe { call in
            guard call.operation == operation, call.path.hasSuffix(suffix), state.isFirst() else { return }
            // The thread is the export's own: it waits for the disk as well.
            let done = DispatchSemaphore(value: 0)
            Task.detached {
                do { try await body() } catch { Issue.record(error) }
                done.signal()
            }
            done.wait()
        }
    }

    @Test("What is deleted before its turn comes is left out with what lists it, and nothing else is")
    func deletedMeanwhile() async throws {
        try await withTemporaryFolder { folder in
            try await withRegistry { test in
                let (kept, gone) = (try ImageFixture("kept"), try ImageFixture("gone"))
                try await push(kept, as: "kept", test)
                try await push(gone, as: "gone", test)
                let inner = try ManifestFixture.index([gone.manifest.descriptor])
                let outer = try ManifestFixture.index([inner.descriptor, kept.manifest.descriptor])
                try await push(inner, as: "inner", test)
                try await push(outer, as: "outer", test)
                Self.once(before: .protect, gone.layers[0].digest.encoded, test) { [app] in
                    try await Self.delete(
                        [outer.digest, inner.digest, gone.manifest.digest],
                        in: app,
                        test
                    )
                }
                let report = try await test.registry.export(.everything, to: folder.file("layout"))
                #expect(report.leftOut == 3 && report.tags == 1)
                let layout = try ExportedLayout(folder.file("layout"))
                #expect(layout.names == ["team/app:kept": kept.manifest.digest])
                #expect(layout.unnamed.isEmpty && layout.missing.isEmpty)
            }
        }
    }

    @Test("What is deleted and pushed again between two looks is in it")
    func pushedAgain() async throws {
        try await withTemporaryFolder { folder in
            try await withRegistry { test in
                let image = try ImageFixture("app")
                try await push(image, as: "1", test)
                let layer = image.layers[0].digest.encoded
                Self.once(before: .link, layer, test) { [app] in
                    try await Self.delete([image.manifest.digest], in: app, test)
                    // The store finds no file, and looks again: by then it has been pushed anew.
                    Self.once(before: .open, test.folder.file("blobs/sha256/\(layer)"), test) { [self] in
                        #expect(try test.contents(of: "blobs/sha256").isEmpty)
                        try await push(image, as: "1", test)
                    }
                }
                let report = try await test.registry.export(.everything, to: folder.file("layout"))
                #expect(report == ExportReport(tags: 1, manifests: 1, leftOut: 0))
                #expect(try ExportedLayout(folder.file("layout")).missing.isEmpty)
            }
        }
    }

    @Test("What is pushed meanwhile is not in it")
    func pushedMeanwhile() async throws {
        try await withTemporaryFolder { folder in
            try await withRegistry { test in
                let (old, new) = (try ImageFixture("old"), try ImageFixture("new"))
                try await push(old, as: "1", test)
                Self.once(before: .protect, old.configuration.digest.encoded, test) { [self] in
                    try await push(new, as: "1", test)
                    try await push(new, as: "2", test)
                }
                _ = try await test.registry.export(.everything, to: folder.file("layout"))
                let layout = try ExportedLayout(folder.file("layout"))
                #expect(layout.names == ["team/app:1": old.manifest.digest])
                #expect(layout.files == Set(old.blobs.map(\.digest) + [old.manifest.digest]))
            }
        }
    }

    @Test(
        "Whichever call fails, and however, nothing is left, the stored blobs are whole, and the next export is too",
        arguments: [
            FaultyFileOperations.Operation.link, .protect, .open, .size, .write, .makeFolder, .rename,
            .entries,
        ],
        [ENOSPC, EACCES, EXDEV, EMLINK, EIO]
    )
    func failures(_ operation: FaultyFileOperations.Operation, _ code: CInt) async throws {
        try await withTemporaryFolder { folder in
            try await withRegistry { test in
                let image = try ImageFixture("app")
                try await push(image, as: "1", test)
                let stored = try test.contents(of: "blobs/sha256")
                let path = folder.file("layout")
                var failures = 0
                while true {
                    test.files.fail(operation, skip: failures, with: code)
                    do {
                        _ = try await test.registry.export(.everything, to: path, files: test.files)
                        break
                    } catch {
                        #expect(error is ExportError || error is StorageError, "\(error)")
                        if code == ENOSPC { #expect("\(error)".contains("no space left"), "\(error)") }
                        if code == EXDEV, operation == .link {
                            #expect("\(error)".contains("\(path) is on another file system"), "\(error)")
                            #expect("\(error)".contains(test.folder.path), "\(error)")
                        }
                    }
                    failures += 1
                    test.files.mend()
                    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
                    #expect(try test.contents(of: "blobs/sha256") == stored)
                    try #require(failures < 100)
                }
                #expect(failures > 0)
                test.files.mend()
                #expect(try ExportedLayout(path).names.count == 1)
            }
        }
    }
}

/// Lets the first one through.
private final class Once: Sendable {
    private let isDone = Mutex(false)

    func isFirst() -> Bool {
        isDone.withLock { isDone in
            defer { isDone = true }
            return !isDone
        }
    }
}
