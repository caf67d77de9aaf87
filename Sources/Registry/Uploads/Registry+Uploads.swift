import Logging
package import NIOCore
package import OCI
package import Storage

extension Registry {
    /// Where an upload session stands.
    package struct UploadStatus: Hashable, Sendable {
        package let id: UploadID
        /// How many bytes have come.
        package let offset: Int64

        package init(id: UploadID, offset: Int64) {
            self.id = id
            self.offset = offset
        }
    }

    /// One request's part of an upload.
    package struct UploadPart<Content: AsyncSequence<ByteBuffer, any Error> & Sendable>: Sendable {
        /// The bytes, in chunks of any size.
        package let content: Content
        /// Which bytes of the whole these are, where the client says so; the upper bound is exclusive.
        package let range: Range<Int64>?
        /// Ends the connection that the bytes come from, if a newer request takes over the session.
        package let cut: @Sendable () -> Void

        package init(content: Content, range: Range<Int64>?, cut: @escaping @Sendable () -> Void) {
            self.content = content
            self.range = range
            self.cut = cut
        }
    }

    /// Opens an upload session in a repository.
    ///
    /// It survives a restart. Where as many are open as may be, those that nothing was sent to for an hour make room.
    ///
    /// `algorithm` is what the closing digest will probably be of; another costs reading the upload again.
    package func beginUpload(
        in repository: RepositoryName,
        algorithm: SupportedAlgorithm = .sha256
    ) async throws -> UploadStatus {
        try await makeRoomForSession()
        let header = UploadHeader(repository: repository, algorithm: algorithm, started: clock())
        do {
            return UploadStatus(id: try await blobs.beginUpload(header), offset: 0)
        } catch {
            sessions.end()
            throw error
        }
    }

    /// Where a session stands.
    package func upload(_ id: UploadID, in repository: RepositoryName) async throws -> UploadStatus {
        try await checkSession(id, in: repository)
        return UploadStatus(id: id, offset: try await blobs.session(id).offset)
    }

    /// Adds a request's bytes to a session.
    ///
    /// If the client vanishes in the middle, what came is kept.
    package func append(
        _ part: UploadPart<some AsyncSequence<ByteBuffer, any Error>>,
        to id: UploadID,
        in repository: RepositoryName
    ) async throws -> UploadStatus {
        try await checkSession(id, in: repository)
        return try await leases.withLease(on: id, cut: part.cut) { lease in
            UploadStatus(id: id, offset: try await write(part, to: id, lease))
        }
    }

    /// Adds a request's bytes to a session, ends it, and makes it a blob.
    ///
    /// A digest that does not agree with the content ends the session too.
    package func finishUpload(
        _ part: UploadPart<some AsyncSequence<ByteBuffer, any Error>>,
        of id: UploadID,
        as digest: Digest,
        in repository: RepositoryName
    ) async throws {
        try await checkSession(id, in: repository)
        guard digest.isSupported else { throw StorageError.unsupportedAlgorithm(digest) }
        try await leases.withLease(on: id, cut: part.cut) { lease in
            _ = try await write(part, to: id, lease)
            let verified: VerifiedUpload
            do {
                verified = try await blobs.finishUpload(id, expecting: digest)
            } catch let error as StorageError {
                if case .digestMismatch = error { sessions.end() }
                throw error
            }
            sessions.end()
            _ = try await publish(verified, in: repository)
        }
    }

    /// Ends a session, and forgets its bytes.
    package func cancelUpload(
        _ id: UploadID,
        in repository: RepositoryName
    ) async throws {
        try await checkSession(id, in: repository)
        // Whoever writes to it is cut off, and has let go when the lease comes.
        try await leases.withLease(on: id, cut: {}) { _ in try await blobs.cancelUpload(id) }
        sessions.end()
    }

    /// Pushes a blob in one request.
    ///
    /// If the client vanishes in the middle, nothing is kept.
    package func pushBlob(
        _ part: UploadPart<some AsyncSequence<ByteBuffer, any Error>>,
        as digest: Digest,
        in repository: RepositoryName
    ) async throws {
        guard digest.isSupported else { throw StorageError.unsupportedAlgorithm(digest) }
        let id = try await blobs.beginUpload(nil)
        do {
            try await leases.withLease(on: id, cut: part.cut) { lease in
                _ = try await write(part, to: id, lease)
            }
            _ = try await publish(blobs.finishUpload(id, expecting: digest), in: repository)
        } catch {
            await abandon(id)
            throw error
        }
    }

    /// Makes verified content a blob of a repository.
    func publish(_ upload: VerifiedUpload, in repository: RepositoryName) async throws -> BlobRecord {
        let publication = BlobPublication(
            digest: upload.digest,
            size: upload.size,
            repository: repository,
            placement: blobs.placement(of: upload),
            keptUntil: keptUntil,
            now: clock()
        )
        do {
            let record = try await catalog.publishBlob(publication)
            await blobs.discard(upload)
            return record
        } catch {
            await blobs.discard(upload)
            throw error
        }
    }

    /// Ends a session that nobody can resume.
    ///
    /// One that has ended already is no error.
    func abandon(_ id: UploadID) async {
        do {
            try await blobs.cancelUpload(id)
        } catch StorageError.unknownUpload {
        } catch {
            logger.warning(
                "an abandoned upload's bytes stay until the next start",
                metadata: ["error": "\(error)"]
            )
        }
    }

    /// A session is known only in the repository that it was opened in, and until it expires.
    private func checkSession(_ id: UploadID, in repository: RepositoryName) async throws {
        // Asked first: what whoever writes to it has done by the time that it lets go is seen below.
        let isHeld = leases.isHeld(id)
        guard let header = try await blobs.header(of: id), header.repository == repository else {
            throw StorageError.unknownUpload(id)
        }
        // What began later than that cannot have rested for so long, and the disk need not be asked.
        if isHeld || clock() < header.started + policy.uploadExpiry { return }
        guard try await !hasExpired(blobs.session(id)) else { throw StorageError.unknownUpload(id) }
    }

    private func write(
        _ part: UploadPart<some AsyncSequence<ByteBuffer, any Error>>,
        to id: UploadID,
        _ lease: UploadLeases.Lease
    ) async throws -> Int64 {
        let start = try await blobs.durableOffset(of: id)
        if let range = part.range, range.lowerBound != start {
            throw StorageError.wrongOffset(expected: range.lowerBound, actual: start)
        }
        var writer = UploadWriter(blobs: blobs, upload: id, offset: start, limit: policy.maximumUploadSize)
        do {
            for try await chunk in part.content {
                try lease.check()
                try await writer.write(chunk)
            }
        } catch {
            // What came before the connection broke stays, and the client goes on from there.
            try await writer.flush()
            throw error
        }
        try await writer.flush()
        if let range = part.range, writer.offset != range.upperBound {
            throw RegistryError.contentLengthMismatch(
                announced: range.upperBound - range.lowerBound,
                actual: writer.offset - start
            )
        }
        return writer.offset
    }
}
