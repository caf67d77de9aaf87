import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `Catalog` promises of its lists.
@Suite("A catalog's list")
struct CatalogListConformance {
    typealias Implementation = CatalogImplementation

    /// In byte order, which is not the order of any language: `-` before `.` before `/` before digits and `_`.
    static let repositories = [
        "a", "a--b", "a-b", "a.b", "a/a", "a/a-b", "a/a/a", "a/b", "a0", "a__b", "a_b", "ab", "b", "b/a",
        "z9",
    ]
    static let tags = [
        "0", "00", "1.10", "1.2", "A", "B", "_", "_a", "a", "a-", "a.", "aB", "a_", "aa", "b", "latest",
    ]

    static let limits = [1, 2, 3, 7, 15, 16, 17, 1000]

    @Test("of tags stands in byte order and goes on where it ended", arguments: Implementation.all, limits)
    func tags(_ implementation: Implementation, _ limit: Int) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let shuffled = Self.tags.reversed().map(Tag.named)
            try await scene.push(image, to: scene.app, tags: shuffled)
            try await scene.push(image, to: scene.other, tags: [.named("a-elsewhere")])
            var found: [String] = []
            var last: String?
            while true {
                let page = try #require(
                    await scene.catalog.tagPage(
                        of: scene.app,
                        after: last,
                        limit: limit,
                        now: scene.clock.now
                    )
                )
                let names = try await scene.catalog.tagNamePage(
                    of: scene.app,
                    after: last,
                    limit: limit,
                    now: scene.clock.now
                )
                #expect(names?.elements == page.elements.map(\.tag))
                #expect(names?.hasMore == page.hasMore)
                found += page.elements.map(\.tag.rawValue)
                #expect(page.elements.count <= limit)
                #expect(page.hasMore == (found.count < Self.tags.count))
                guard page.hasMore else { break }
                last = found.last
            }
            #expect(found == Self.tags)
        }
    }

    @Test("of tags begins behind a name that need not exist", arguments: Implementation.all)
    func tagsAfter(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: Self.tags.map(Tag.named))
            for last in Self.tags + [
                "", "!", "a,", "a~", "az", "lates", "latest0", "zzz", "é", "a\u{0}", "'; --",
            ] {
                let page = try #require(
                    await scene.catalog.tagPage(of: scene.app, after: last, limit: 100, now: scene.clock.now)
                )
                let expected = Self.tags.filter { last.utf8.lexicographicallyPrecedes($0.utf8) }
                #expect(page.elements.map(\.tag.rawValue) == expected, "after \(last)")
                #expect(!page.hasMore)
                let names = try await scene.catalog.tagNamePage(
                    of: scene.app,
                    after: last,
                    limit: 100,
                    now: scene.clock.now
                )
                #expect(names?.elements.map(\.rawValue) == expected, "after \(last)")
            }
            let none = try #require(
                await scene.catalog.tagPage(of: scene.app, after: nil, limit: 0, now: scene.clock.now)
            )
            #expect(none.elements.isEmpty)
            #expect(
                try await scene.catalog.tagPage(
                    of: RepositoryName("team"),
                    after: nil,
                    limit: 5,
                    now: scene.clock.now
                ) == nil
            )
        }
    }

    @Test(
        "of repositories stands in byte order and goes on where it ended",
        arguments: Implementation.all,
        limits
    )
    func repositories(_ implementation: Implementation, _ limit: Int) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            for name in Self.repositories.reversed() {
                try await scene.push(image, to: RepositoryName(name))
            }
            var found: [String] = []
            while true {
                let page = try await scene.catalog.repositoryPage(after: found.last, limit: limit)
                found += page.elements.map(\.rawValue)
                #expect(page.hasMore == (found.count < Self.repositories.count))
                guard page.hasMore else { break }
                #expect(page.elements.count == limit)
            }
            #expect(found == Self.repositories)
            for last in ["", "a/", "a/aa", "zzz", "A", "\u{7F}"] {
                let page = try await scene.catalog.repositoryPage(after: last, limit: 100)
                let expected = Self.repositories.filter { last.utf8.lexicographicallyPrecedes($0.utf8) }
                #expect(page.elements.map(\.rawValue) == expected, "after \(last)")
            }
        }
    }

    @Test("of repositories holds those that have a manifest", arguments: Implementation.all)
    func onlyWithManifests(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let first = try ImageFixture("first")
            let second = try ImageFixture("second")
            for blob in first.blobs + second.blobs { try await scene.push(blob, to: scene.app) }
            #expect(try await scene.repositories() == [])
            try await scene.publish(first.manifest, in: scene.app)
            try await scene.publish(second.manifest, in: scene.app)
            try await scene.publish(second.manifest, in: scene.app, tags: [.latest])
            #expect(try await scene.repositories() == ["team/app"])
            #expect(try await scene.delete(first.manifest, in: scene.app))
            #expect(try await scene.repositories() == ["team/app"])
            #expect(try await scene.delete(second.manifest, in: scene.app))
            #expect(try await scene.repositories() == [])
            #expect(try await scene.tags(of: scene.app) == [])
            try await scene.publish(first.manifest, in: scene.app)
            #expect(try await scene.repositories() == ["team/app"])
        }
    }

    @Test("of many random names is sorted, page by page", arguments: Implementation.all)
    func random(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let seed = UInt64.random(in: 0...UInt64.max)
            var generator = SplitMix(seed: seed)
            let characters = Array("abzABZ019_.-")
            let names = Set(
                (0..<300).map { _ in
                    let length = Int.random(in: 0...4, using: &generator)
                    let tail = (0..<length).map { _ in characters.randomElement(using: &generator) ?? "x" }
                    return "t" + String(tail)
                }
            )
            try await scene.push(ImageFixture("app"), to: scene.app, tags: names.map(Tag.named))
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            var found: [String] = []
            while true {
                let page = try #require(
                    await scene.catalog.tagPage(
                        of: scene.app,
                        after: found.last,
                        limit: Int.random(in: 1...40, using: &generator),
                        now: scene.clock.now
                    )
                )
                found += page.elements.map(\.tag.rawValue)
                if !page.hasMore { break }
            }
            #expect(found == sorted, "seed \(seed)")
        }
    }
}
