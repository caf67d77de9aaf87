import Foundation
import OCI
import TestSupport
import Testing

@testable import Storage

// How links to a file blob store's blobs fail.
extension FileBlobStoreTests {
    @Test(
        "tells why a blob cannot have another name, and leaves none",
        arguments: [FaultyFileOperations.Operation.protect, .link, .open, .size],
        [EXDEV, EMLINK, ENOSPC, EDQUOT, EACCES, EPERM, EROFS, EMFILE, EIO]
    )
    func linkFails(_ operation: FaultyFileOperations.Operation, _ code: CInt) async throws {
        try await Self.withStore { scene in
            let blob = BlobFixture("content")
            try await scene.store.place(blob)
            let path = scene.folder.file("link")
            scene.files.fail(operation, with: code)
            let error = #expect(throws: StorageError.self) {
                try scene.store.link(blob.digest, size: blob.size, toFile: path)
            }
            switch code {
            case EXDEV: #expect(error == .otherFileSystem(folder: scene.folder.path, path: path))
            case EMLINK: #expect(error == .tooManyLinks(blob.digest))
            case ENOSPC, EDQUOT: #expect(error == .full)
            case EROFS: #expect(error == .readOnly)
            case EMFILE: #expect(error == .tooManyOpenFiles)
            default:
                guard case .failed(_, _, code) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
            #expect(try await scene.store.content(blob) == blob.bytes)
            #expect(try scene.store.link(blob.digest, size: blob.size, toFile: path))
        }
    }

    @Test("protects a blob's file once, and the file is the same under both names")
    func sameFile() async throws {
        try await Self.withStore { scene in
            let blob = BlobFixture("content")
            try await scene.store.place(blob)
            let source = scene.folder.file("blobs/sha256/\(blob.digest.encoded)")
            let link = scene.folder.file("link")
            #expect(try scene.store.link(blob.digest, size: blob.size, toFile: link))
            var (first, second) = (stat(), stat())
            #expect(stat(source, &first) == 0 && stat(link, &second) == 0)
            #expect(first.st_ino == second.st_ino && first.st_mode & 0o777 == 0o444)
        }
    }
}
