import NIOCore
import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `BlobStore` promises of the list of upload sessions.
@Suite("A blob store's list of uploads")
struct BlobStoreSessionConformance {
    typealias Implementation = BlobStoreImplementation

    private static func header(_ number: Int) throws -> UploadHeader {
        UploadHeader(
            repository: try RepositoryName("team/app\(number)"),
            algorithm: number.isMultiple(of: 2) ? .sha256 : .sha512,
            started: Timestamp(milliseconds: 1_000_000_000_000 + Int64(number))
        )
    }

    /// Every session, page by page.
    private static func pages(_ store: any BlobStore, of limit: Int) async throws -> [[UploadSession]] {
        var pages: [[UploadSession]] = []
        while true {
            let page = try await store.uploadPage(after: pages.last?.last?.id, limit: limit)
            if !page.elements.isEmpty || pages.isEmpty { pages.append(page.elements) }
            #expect(page.elements.count == limit || !page.hasMore)
            guard page.hasMore else { return pages }
        }
    }

    @Test("has each session once and in order, whatever the size of a page", arguments: Implementation.all)
    func pages(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            #expect(try await Self.pages(store, of: 10) == [[]])
            var expected: [UploadID: (header: UploadHeader, size: Int)] = [:]
            for number in 0..<25 {
                let header = try Self.header(number)
                let id = try await store.upload(patternedBytes(100 * number), header: header)
                expected[id] = (header, 100 * number)
            }
            for limit in [1, 2, 7, 24, 25, 26, 1000] {
                let pages = try await Self.pages(store, of: limit)
                #expect(pages.count == (25 + limit - 1) / limit)
                #expect(pages.flatMap { $0 }.map(\.id) == expected.keys.sorted())
                for session in pages.flatMap({ $0 }) {
                    #expect(session.header == expected[session.id]?.header)
                    #expect(session.offset == expected[session.id].map { Int64($0.size) })
                    #expect(try await store.session(session.id) == session)
                }
            }
            let none = try await store.uploadPage(after: nil, limit: 0)
            #expect(none == Page(elements: [], hasMore: true))
        }
    }

    @Test("goes on behind a session that has gone meanwhile", arguments: Implementation.all)
    func cursor(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            var ids: [UploadID] = []
            for number in 0..<9 { ids.append(try await store.beginUpload(Self.header(number))) }
            ids.sort()
            try await store.cancelUpload(ids[4])
            let page = try await store.uploadPage(after: ids[4], limit: 2)
            #expect(page.elements.map(\.id) == [ids[5], ids[6]])
            #expect(page.hasMore)
            let last = try await store.uploadPage(after: ids[8], limit: 2)
            #expect(last == Page(elements: [], hasMore: false))
        }
    }

    @Test("has neither what ends with its request nor what has ended", arguments: Implementation.all)
    func ended(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let header = try Self.header(0)
            _ = try await store.upload([1], header: nil)
            let open = try await store.upload([1, 2], header: header)
            try await store.cancelUpload(store.upload([3], header: header))
            let verified = try await store.finishUpload(
                store.upload([4], header: header),
                expecting: nil
            )
            #expect(try await Self.pages(store, of: 10).flatMap { $0 }.map(\.id) == [open])
            try store.placement(of: verified).replace()
            await store.discard(verified)
            await #expect(throws: StorageError.self) {
                try await store.finishUpload(
                    store.upload([5], header: header),
                    expecting: Digest(of: [6])
                )
            }
            #expect(try await Self.pages(store, of: 10).flatMap { $0 }.map(\.id) == [open])
        }
    }

    @Test("has what an earlier process began, as it left it", arguments: Implementation.all)
    func earlier(_ implementation: Implementation) async throws {
        try await withTemporaryFolder { folder in
            let before = try await implementation.opened(in: folder) { store in
                for number in 0..<5 {
                    _ = try await store.upload(patternedBytes(number), header: Self.header(number))
                }
                _ = try await store.upload([1], header: nil)
                return try await Self.pages(store, of: 10)
            }
            #expect(before.first?.count == 5)
            try await implementation.withStore(in: folder) { store in
                #expect(try await Self.pages(store, of: 10) == before)
                let first = try #require(before.first?.first)
                try await store.cancelUpload(first.id)
                #expect(try await Self.pages(store, of: 10).first?.count == 4)
            }
        }
    }

    @Test(
        "says when bytes last came, and of a session without any when it began",
        arguments: Implementation.all
    )
    func activity(_ implementation: Implementation) async throws {
        // The clock that stamps files is some milliseconds behind the one that is asked here.
        let tick = Duration.milliseconds(-100)
        try await implementation.withStore { store in
            let begin = Timestamp.now + tick
            let upload = try await store.beginUpload(Self.header(0))
            let began = try await store.session(upload).lastActivity
            #expect(began >= begin && began <= Timestamp.now)
            var offset: Int64 = 0
            let deadline = ContinuousClock.now + .seconds(60)
            while try await store.session(upload).lastActivity == began {
                try #require(ContinuousClock.now < deadline, "writing does not count as activity")
                offset = try await store.append([ByteBuffer(bytes: [1])], to: upload, at: offset)
            }
            let active = try await store.session(upload).lastActivity
            #expect(active > began && active <= Timestamp.now)
            _ = try await store.read(0..<1, of: upload)
            #expect(try await store.session(upload).lastActivity == active)
        }
    }
}
