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
        try await endUploads(idleFor: policy.uploadExpiry, isForecast: isForecast, report).ended
    }

    /// Takes the place of one more session.
    ///
    /// - Throws: ``RegistryError/tooManySessions(limit:)``.
    func makeRoomForSession() async throws {
        let limit = policy.maximumSessions
        if sessions.begin(limit: limit) { return }
        try await sessions.recount(now: clock(), every: Self.countInterval) {
            let left = try await endUploads(idleFor: policy.uploadExpiry).left
            // Whoever leaves sessions open is not to keep others out for as long as those could be resumed.
            guard left >= limit else { return left }
            return try await endUploads(idleFor: min(policy.uploadExpiry, Self.crowdedExpiry)).left
        }
        guard sessions.begin(limit: limit) else { throw RegistryError.tooManySessions(limit: limit) }
    }

    /// How long a session that nothing is sent to stays at least, where there is no room for others.
    static var crowdedExpiry: Duration { .seconds(3600) }

    /// How often the sessions are counted at most, which reads the folder.
    private static var countInterval: Duration { .seconds(10) }

    /// Removes the sessions that nothing was sent to for so long, and tells how many there were and are.
    ///
    /// `isForecast`: whether they are only reported, not removed.
    private func endUploads(
        idleFor limit: Duration,
        isForecast: Bool = false,
        _ report: (UploadSession) async throws -> Void = { _ in }
    ) async throws -> (ended: Int, left: Int) {
        var count = 0
        var left = 0
        var last: UploadID?
        repeat {
            let page = try await blobs.uploadPage(after: last, limit: Self.expiryPortion)
            for session in page.elements {
                guard isIdle(session, for: limit), !Task.isCancelled,
                    try await isForecast
                        ? !leases.isHeld(session.id) : endUpload(session.id, idleFor: limit)
                else {
                    left += 1
                    continue
                }
                count += 1
                try await report(session)
            }
            last = page.hasMore ? page.elements.last?.id : nil
        } while last != nil && !Task.isCancelled
        return (count, left)
    }

    /// How many sessions are looked at together: some hundred bytes each, and each portion reads the folder again.
    private static var expiryPortion: Int { 4096 }

    /// Whether nothing was sent to a session for too long.
    ///
    /// One that a request writes to has not expired for all that.
    func hasExpired(_ session: UploadSession) -> Bool { isIdle(session, for: policy.uploadExpiry) }

    private func isIdle(_ session: UploadSession, for limit: Duration) -> Bool {
        session.lastActivity + limit <= clock()
    }

    /// Removes a session, unless a request has it or has just written to it.
    private func endUpload(_ id: UploadID, idleFor limit: Duration) async throws -> Bool {
        do {
            let hasEnded = try await leases.withFreeLease(on: id) {
                guard try await isIdle(blobs.session(id), for: limit) else { return false }
                try await blobs.cancelUpload(id)
                return true
            }
            if hasEnded == true { sessions.end() }
            return hasEnded ?? false
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
