import Storage
import Synchronization
import TestSupport
import Testing

@testable import Registry

/// Who may write to an upload session: one at a time, and the newest.
@Suite("Upload leases")
struct UploadLeasesTests {
    /// Counts how often somebody was cut off.
    private final class Cuts: Sendable {
        private let state = Mutex(0)
        var count: Int { state.withLock { $0 } }
        func cut() { state.withLock { $0 += 1 } }
    }

    /// Notes who came when.
    private final class Order: Sendable {
        private let state = Mutex<[String]>([])
        var names: [String] { state.withLock { $0 } }
        func note(_ name: String) { state.withLock { $0.append(name) } }
    }

    @Test("Whoever is alone has the session, and the next one after it too")
    func alone() async throws {
        let leases = UploadLeases()
        let id = UploadID()
        let cuts = Cuts()
        for number in 1...3 {
            let value = try await leases.withLease(on: id, cut: { cuts.cut() }) { lease in
                try lease.check()
                return number
            }
            #expect(value == number)
        }
        #expect(cuts.count == 0)
    }

    @Test("Whoever comes in passing has the session only if nobody else does, and others wait for it then")
    func free() async throws {
        let leases = UploadLeases()
        let id = UploadID()
        #expect(!leases.isHeld(id))
        let (held, release) = (Gate(), Gate())
        async let passing: Int? = leases.withFreeLease(on: id) {
            await held.wait()
            await release.wait()
            return 1
        }
        await held.arrivals(1)
        held.open()
        #expect(leases.isHeld(id))
        #expect(try await leases.withFreeLease(on: id) { 2 } == nil)
        let order = Order()
        async let request: Void = leases.withLease(on: id, cut: {}) { lease in
            try lease.check()
            order.note("request")
        }
        #expect(order.names.isEmpty)
        release.open()
        #expect(try await passing == 1)
        try await request
        #expect(order.names == ["request"])
        #expect(!leases.isHeld(id))
        #expect(try await leases.withFreeLease(on: id) { 3 } == 3)
    }

    @Test("A newer request cuts the older one, and waits until it has let go")
    func newer() async throws {
        let leases = UploadLeases()
        let id = UploadID()
        let cuts = Cuts()
        let (held, release) = (Gate(), Gate())
        let order = Order()
        async let older: Void = leases.withLease(on: id, cut: { cuts.cut() }) { lease in
            await held.wait()
            await release.wait()
            #expect(throws: RegistryError.superseded) { try lease.check() }
            order.note("older")
        }
        await held.arrivals(1)
        held.open()
        async let newer: Void = leases.withLease(on: id, cut: { cuts.cut() }) { lease in
            try lease.check()
            order.note("newer")
        }
        try await eventually("a cut") { cuts.count == 1 ? () : nil }
        release.open()
        try await older
        try await newer
        #expect(order.names == ["older", "newer"])
        #expect(cuts.count == 1)
    }

    @Test("Of several that wait only the newest gets the session, and the others are told")
    func newest() async throws {
        let leases = UploadLeases()
        let id = UploadID()
        let (held, release) = (Gate(), Gate())
        let cuts = (0..<4).map { _ in Cuts() }
        async let holder: Void = leases.withLease(on: id, cut: { cuts[0].cut() }) { _ in
            await held.wait()
            await release.wait()
        }
        await held.arrivals(1)
        held.open()
        let outcomes = try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
            for number in 1...3 {
                group.addTask {
                    do {
                        try await leases.withLease(on: id, cut: { cuts[number].cut() }) { _ in }
                        return (number, true)
                    } catch RegistryError.superseded {
                        return (number, false)
                    }
                }
                // Each has come before the next one does: it has cut the one before.
                try await eventually("a cut") { cuts[number - 1].count == 1 ? () : nil }
            }
            release.open()
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        try await holder
        #expect(outcomes == [1: false, 2: false, 3: true])
        #expect(cuts.map(\.count) == [1, 1, 1, 0])
    }

    @Test("A body that fails lets go as well")
    func failure() async throws {
        struct Failure: Error {}
        let leases = UploadLeases()
        let id = UploadID()
        await #expect(throws: Failure.self) {
            try await leases.withLease(on: id, cut: {}) { _ in throw Failure() }
        }
        #expect(try await leases.withLease(on: id, cut: {}) { _ in 1 } == 1)
    }

    @Test("Sessions are in nobody's way but their own")
    func independent() async throws {
        let leases = UploadLeases()
        let release = Gate()
        async let holder: Void = leases.withLease(on: UploadID(), cut: {}) { _ in await release.wait() }
        await release.arrivals(1)
        #expect(try await leases.withLease(on: UploadID(), cut: {}) { _ in 1 } == 1)
        release.open()
        try await holder
    }
}
