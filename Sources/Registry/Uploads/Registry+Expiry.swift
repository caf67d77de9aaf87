package import OCI
package import Storage

extension Registry {
    /// An upload session that can be resumed: for lists.
    package struct OpenUpload: Hashable, Sendable, Identifiable {
        package let id: UploadID
        package let repository: RepositoryName
        /// How many bytes have come.
        package let offset: Int64
        package let started: Timestamp
        /// When bytes last came, or when it began if none have.
        package let lastActivity: Timestamp
        /// From then on it is unknown, unless something is sent before.
        package let expires: Timestamp
    }

    /// Upload sessions that can be resumed, by name, those behind `last`.
    package func uploads(after last: UploadID?, limit: Int) async throws -> Page<OpenUpload> {
        var found: [OpenUpload] = []
        var last = last
        while true {
            let page = try await blobs.uploadPage(after: last, limit: limit - found.count)
            found += page.elements.compactMap(openUpload)
            last = page.elements.last?.id
            guard page.hasMore, last != nil, found.count < limit else {
                return Page(elements: found, hasMore: page.hasMore)
            }
        }
    }

    /// Removes the upload sessions that have expired, and returns how many those were.
    ///
    /// Clients do not know them any more, whether this has come to them or not. It stops early where its task is
    /// cancelled.
    ///
    /// `isForecast`: whether they are only reported, not removed.
    package func expireUploads(
        isForecast: Bool = false,
        _ report: (UploadSession) async throws -> Void = { _ in }
    ) async throws -> Int {
        var count = 0
        var last: UploadID?
        repeat {
            let page = try await blobs.uploadPage(after: last, limit: Self.expiryPortion)
            for session in page.elements where hasExpired(session) && !Task.isCancelled {
                if isForecast {
                    guard !leases.isHeld(session.id) else { continue }
                } else {
                    guard try await expireUpload(session.id) else { continue }
                }
                count += 1
                try await report(session)
            }
            last = page.hasMore ? page.elements.last?.id : nil
        } while last != nil && !Task.isCancelled
        return count
    }

    /// How many sessions are looked at together: some hundred bytes each, and each portion reads the folder again.
    private static var expiryPortion: Int { 4096 }

    /// Whether nothing was sent to a session for too long.
    ///
    /// One that a request writes to has not expired for all that.
    func hasExpired(_ session: UploadSession) -> Bool {
        session.lastActivity + policy.uploadExpiry <= clock()
    }

    /// Removes a session, unless a request has it or has just written to it.
    private func expireUpload(_ id: UploadID) async throws -> Bool {
        do {
            let isExpired = try await leases.withFreeLease(on: id) {
                guard try await hasExpired(blobs.session(id)) else { return false }
                try await blobs.cancelUpload(id)
                return true
            }
            return isExpired ?? false
        } catch StorageError.unknownUpload {
            return false
        }
    }

    /// Nil for a session that ends with its request, or that has expired.
    private func openUpload(_ session: UploadSession) -> OpenUpload? {
        guard let header = session.header, leases.isHeld(session.id) || !hasExpired(session) else {
            return nil
        }
        return OpenUpload(
            id: session.id,
            repository: header.repository,
            offset: session.offset,
            started: header.started,
            lastActivity: session.lastActivity,
            expires: session.lastActivity + policy.uploadExpiry
        )
    }
}
