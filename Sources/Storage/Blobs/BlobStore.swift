package import NIOCore
package import OCI

/// Keeps the bytes of blobs, addressed by their digests, and of uploads that are not finished.
///
/// It knows nothing of repositories: which blob exists for whom is the catalog's to say. What is placed here without
/// a row in the catalog does not exist, and is cleared away at the next start.
///
/// Any implementation passes the suites `BlobStore…Conformance`. Every method may throw `StorageError`; none is cut
/// short when the task that calls it is cancelled.
package protocol BlobStore: BlobStoreExamination {
    /// Opens an upload session of no bytes.
    ///
    /// `header`: kept with the session, so that it can be resumed after a restart; nil for an upload that
    /// ends with the process.
    func beginUpload(_ header: UploadHeader?) async throws -> UploadID

    /// Adds bytes to a session, and returns its new offset.
    ///
    /// `offset`: where the bytes begin; anything but the session's offset is `wrongOffset`, and changes
    /// nothing. After any other error the session stands where `durableOffset` says.
    func append(_ chunks: [ByteBuffer], to upload: UploadID, at offset: Int64) async throws -> Int64

    /// How many bytes of a session have come: what is kept if the process dies now.
    func durableOffset(of upload: UploadID) async throws -> Int64

    /// What a session is for; nil for one that ends with the process.
    ///
    /// Cheaper than all that ``session(_:)`` tells: where the session is known nothing is asked of the disk.
    func header(of upload: UploadID) async throws -> UploadHeader?

    /// What a session is for, and where it stands.
    func session(_ upload: UploadID) async throws -> UploadSession

    /// Sessions that can be resumed, also those that an earlier process began, by name, those behind `last`.
    ///
    /// Memory grows with `limit`, not with how many sessions there are.
    func uploadPage(after last: UploadID?, limit: Int) async throws -> Page<UploadSession>

    /// Bytes of an unfinished session, to look at before it is finished.
    func read(_ range: Range<Int64>, of upload: UploadID) async throws -> ByteBuffer

    /// The digest of what has come of a session so far, which goes on.
    func digest(of upload: UploadID, _ algorithm: SupportedAlgorithm) async throws -> Digest

    /// Verifies a session's content and ends it.
    ///
    /// `digest`: what the content must have; nil for content whose digest is whatever it is.
    /// - Throws: `digestMismatch`, and the session is gone; `unsupportedAlgorithm`, and it stays.
    /// - Returns: the verified content, which is not a blob before it is placed.
    func finishUpload(_ upload: UploadID, expecting digest: Digest?) async throws -> VerifiedUpload

    /// Ends a session, and forgets its bytes. A session that does not exist is `unknownUpload`.
    func cancelUpload(_ upload: UploadID) async throws

    /// What puts verified content in its place, to be called inside the transaction that makes it a blob.
    func placement(of upload: VerifiedUpload) -> BlobPlacement

    /// Takes in a file from outside of the store, verified: as a further name of it where that can be, else as a copy.
    ///
    /// Under both names the bytes are the same then, so the permission to write to them is taken away. What cannot be
    /// protected is copied.
    ///
    /// - Throws: `digestMismatch`; `unsupportedAlgorithm`; `failed` with the path for a file that is missing, or is no file.
    /// - Returns: verified content, to be placed or discarded as an upload's.
    func adopt(fileAt path: String, expecting digest: Digest) async throws -> AdoptedFile

    /// Clears away what is left of a finished session, whether it was placed or not.
    func discard(_ upload: VerifiedUpload) async

    /// Opens a blob for reading; nil where there is none. A blob of another size is `corrupt`.
    func open(_ digest: Digest, size: Int64) async throws -> OpenBlob?

    /// Returns when these blobs survive a loss of power. Concurrent calls share the work.
    ///
    /// A blob whose flush failed goes on failing until its content is removed or placed anew. Which of several it
    /// was the error does not say.
    func sync(_ digests: [Digest]) async throws

    /// Returns when everything that was placed or removed so far is so after a loss of power too.
    ///
    /// The content of what was placed is another matter.
    func syncNames() async throws

    /// Hashes a blob from end to end as it is stored, and says whether it is what its digest and size name. False
    /// where it is absent.
    func verify(_ digest: Digest, size: Int64) async throws -> Bool

    /// Removes a blob's bytes, blocking; one that is absent is no error.
    func remove(_ digest: Digest) throws

    /// Gives a blob's file a further name outside of the store, blocking; false where there is no such blob.
    ///
    /// The file can be read under that name for as long as it has it, whatever becomes of the blob, and nobody may
    /// write to it under any. A name that is taken is left as it is.
    ///
    /// - Throws: `corrupt` for a blob of another size, `otherFileSystem`, `tooManyLinks`.
    func link(_ digest: Digest, size: Int64, toFile path: String) throws -> Bool

    /// Calls a body that may block with the digests of everything placed, in no order, in bounded portions.
    func forEachPlaced(_ body: @escaping @Sendable ([Digest]) throws -> Void) async throws
}

/// What an upload session is for.
///
/// Kept beside its bytes.
package struct UploadHeader: Hashable, Sendable {
    package let repository: RepositoryName
    /// What to hash with while bytes arrive, if the client said; a closing digest may differ.
    package let algorithm: SupportedAlgorithm
    package let started: Timestamp

    package init(repository: RepositoryName, algorithm: SupportedAlgorithm, started: Timestamp) {
        self.repository = repository
        self.algorithm = algorithm
        self.started = started
    }
}

/// An upload session that is not finished.
package struct UploadSession: Hashable, Sendable, Identifiable {
    package let id: UploadID
    /// Nil for one that ends with the process.
    package let header: UploadHeader?
    /// How many bytes have come.
    package let offset: Int64
    /// When bytes last came, or when it began if none have; by the clock of whatever keeps the bytes.
    package let lastActivity: Timestamp
}

/// Content whose digest has been computed, and that waits to be placed or discarded.
package struct VerifiedUpload: Hashable, Sendable {
    package let upload: UploadID
    package let digest: Digest
    package let size: Int64
}

/// A file from outside of a blob store, taken into it.
package struct AdoptedFile: Hashable, Sendable {
    package let upload: VerifiedUpload
    /// Whether it is the same file under a further name, and no copy.
    package let isLink: Bool
}

/// A blob that can be read for as long as this value lives, even if it is deleted meanwhile.
package struct OpenBlob: Sendable {
    package let digest: Digest
    /// In bytes.
    package let size: Int64
    /// For sendfile.
    package let file: OpenFile

    /// Has the system read part of it into memory, off the caller's thread, so that sendfile does not wait for the disk.
    ///
    /// Does what it can; what is in memory is not waited for.
    package let load: @Sendable (Range<Int64>) async -> Void

    /// Reads part of it, off the caller's thread.
    ///
    /// The range lies within the blob.
    package let read: @Sendable (Range<Int64>) async throws -> ByteBuffer
}
