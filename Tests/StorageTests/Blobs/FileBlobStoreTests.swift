import Foundation
import NIOCore
import NIOPosix
import OCI
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// What the file blob store does beyond what any implementation promises: how it fails, and what lies on the disk.
@Suite("A file blob store")
struct FileBlobStoreTests {
    /// An error of a single call, and what it means to the caller.
    struct Fault: Sendable, CustomTestStringConvertible {
        let code: CInt
        let expected: @Sendable (StorageError) -> Bool
        let testDescription: String

        static let all = [
            Fault(code: ENOSPC, expected: { $0 == .full }, testDescription: "ENOSPC"),
            Fault(code: EDQUOT, expected: { $0 == .full }, testDescription: "EDQUOT"),
            Fault(code: EROFS, expected: { $0 == .readOnly }, testDescription: "EROFS"),
            Fault(code: EACCES, expected: { $0 == .readOnly }, testDescription: "EACCES"),
            Fault(code: EMFILE, expected: { $0 == .tooManyOpenFiles }, testDescription: "EMFILE"),
            Fault(code: ENFILE, expected: { $0 == .tooManyOpenFiles }, testDescription: "ENFILE"),
            Fault(
                code: EIO,
                expected: { if case .failed(_, _, EIO) = $0 { true } else { false } },
                testDescription: "EIO"
            ),
        ]
    }

    /// A store on files that fail on demand.
    struct Scene: Sendable {
        let folder: TemporaryFolder
        let files: FaultyFileOperations
        let store: FileBlobStore

        /// The names in one of the store's folders, in order.
        func names(_ name: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.file(name)).sorted()
        }
    }

    static func withStore(
        in folder: TemporaryFolder,
        files: FaultyFileOperations = FaultyFileOperations(),
        threads count: Int = 4,
        _ body: (Scene) async throws -> Void
    ) async throws {
        let threads = NIOThreadPool(numberOfThreads: count)
        threads.start()
        do {
            let store = try await FileBlobStore(folder: folder.path, threads: threads, files: files)
            try await body(Scene(folder: folder, files: files, store: store))
            try await threads.shutdownGracefully()
        } catch {
            try await threads.shutdownGracefully()
            throw error
        }
    }

    static func withStore(threads: Int = 4, _ body: (Scene) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await withStore(in: folder, threads: threads, body)
    }

    static func header(_ algorithm: SupportedAlgorithm = .sha256) throws -> UploadHeader {
        try BlobStoreUploadConformance.header(algorithm)
    }

    @Test("keeps each blob in a file that its digest names, and each session in one with a header")
    func layout() async throws {
        try await Self.withStore { scene in
            let blob = BlobFixture("content")
            try await scene.store.place(blob)
            let long = BlobFixture("content", algorithm: .sha512)
            try await scene.store.place(long)
            #expect(try scene.names("blobs/sha256") == [blob.digest.encoded])
            #expect(try scene.names("blobs/sha512") == [long.digest.encoded])
            #expect(try scene.names("uploads") == [])
            let path = scene.folder.file("blobs/sha256/\(blob.digest.encoded)")
            #expect(FileManager.default.contents(atPath: path) == Data(blob.bytes))

            let session = try await scene.store.upload([1, 2, 3], header: Self.header())
            let anonymous = try await scene.store.upload([4, 5])
            #expect(
                try scene.names("uploads")
                    == [session.rawValue, "\(session).json", anonymous.rawValue].sorted()
            )
            let bytes = FileManager.default.contents(atPath: scene.folder.file("uploads/\(session)"))
            #expect(bytes == Data([1, 2, 3]))
            await scene.store.discard(try await scene.store.finishUpload(anonymous, expecting: nil))
            try await scene.store.cancelUpload(session)
            #expect(try scene.names("uploads") == [])
        }
    }

    @Test("clears away at its start what is no session", arguments: [SupportedAlgorithm.sha256, .sha512])
    func leftovers(_ algorithm: SupportedAlgorithm) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let ids = (0..<6).map { _ in UploadID() }
        let good = try Self.header(algorithm).json.canonicalBytes
        try FileManager.default.createDirectory(
            atPath: folder.file("uploads/a folder"),
            withIntermediateDirectories: true
        )
        let files: [String: [UInt8]] = [
            "\(ids[0])": [1, 2, 3], "\(ids[0]).json": good,
            "\(ids[1])": [1],
            "\(ids[2]).json": good,
            "\(ids[3])": [1], "\(ids[3]).json.new": good,
            "\(ids[4])": [1], "\(ids[4]).json": Array(good.dropLast()),
            "\(ids[5])": [1], "\(ids[5]).json": [],
            "\(ids[0].rawValue.uppercased())": [1], "\(ids[0].rawValue.uppercased()).json": good,
            "README": [1], ".json": [1], "x.json": good,
        ]
        for (name, bytes) in files {
            try Data(bytes).write(to: URL(filePath: folder.file("uploads/\(name)")))
        }
        try await Self.withStore(in: folder) { scene async throws in
            #expect(
                try scene.names("uploads") == ["a folder", ids[0].rawValue, "\(ids[0]).json"].sorted()
            )
            #expect(try await scene.store.durableOffset(of: ids[0]) == 3)
            #expect(try await scene.store.session(ids[0]).header == Self.header(algorithm))
            for id in ids[1...] { await BlobStoreUploadConformance.expectUnknown(id, in: scene.store) }
        }
    }

    @Test(
        "takes no header that is damaged",
        arguments: [
            "", "{", "[]", "null", "{}", #"{"repository":"a","algorithm":"sha256"}"#,
            #"{"repository":"A","algorithm":"sha256","started":1}"#,
            #"{"repository":"../x","algorithm":"sha256","started":1}"#,
            #"{"repository":"a","algorithm":"md5","started":1}"#,
            #"{"repository":"a","algorithm":"sha256","started":"1"}"#,
            #"{"repository":"a","algorithm":"sha256","started":1e400}"#,
        ]
    )
    func malformedHeader(_ text: String) { #expect(UploadHeader(parsing: Array(text.utf8)) == nil) }

    @Test("reads back the header that it wrote", arguments: SupportedAlgorithm.allCases)
    func headerRoundTrip(_ algorithm: SupportedAlgorithm) throws {
        let header = try Self.header(algorithm)
        #expect(UploadHeader(parsing: header.json.canonicalBytes) == header)
    }

    @Test(
        "takes for a session's name only a UUID in lower case",
        arguments: [
            "", "..", "a", "../../etc/passwd", "8D6F8A4E-0A5B-4C8E-9F43-1D2C3B4A5968",
            "8d6f8a4e0a5b4c8e9f431d2c3b4a5968", "8d6f8a4e-0a5b-4c8e-9f43-1d2c3b4a5968 ",
            "8d6f8a4e-0a5b-4c8e-9f43-1d2c3b4a596", "8d6f8a4e-0a5b-4c8e-9f43-1d2c3b4a5968.json",
            "{8d6f8a4e-0a5b-4c8e-9f43-1d2c3b4a5968}", "8d6f8a4e-0a5b-4c8e-9f43-1d2c3b4a5968\u{0}",
        ]
    )
    func malformedID(_ text: String) { #expect(UploadID(text) == nil) }

    @Test("accepts the name of every session that it makes")
    func validID() {
        for _ in 0..<100 {
            let id = UploadID()
            #expect(UploadID(id.rawValue) == id)
        }
    }
}
