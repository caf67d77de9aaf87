import Foundation
import Registry
import Server
import TestSupport

/// Makes calls to a new registry, and holds every reply against the model.
struct CallRunner: Sendable {
    /// The first reply that was not as it had to be.
    struct Failure: Sendable {
        let index: Int
        let expected: Expectation
        let actual: TestReply
    }

    let transport: Transport
    let model: RegistryModel

    /// The sessions' names, as the registry gave them.
    private struct State {
        var model: RegistryModel
        var sessions: [Int: String] = [:]
    }

    /// Runs calls; nil where every reply was as it had to be.
    func run(_ calls: [Call]) async throws -> Failure? {
        let policy = RegistryPolicy(
            allowsDeletes: model.allowsDeletes,
            immutableTags: [try TagPattern("v*")],
            sparseRepositories: [try NamePattern("sparse/*")]
        )
        return try await withTemporaryFolder { folder in
            var state = State(model: model)
            var start = 0
            while start < calls.count {
                let end = calls[start...].firstIndex(where: \.isRestart) ?? calls.count
                let failure = try await withRegistry(in: folder, policy: policy) { test in
                    try await run(calls, start..<end, &state, on: test)
                }
                if let failure { return failure }
                if end < calls.count { _ = state.model.answer(calls[end]) }
                start = end + 1
            }
            return nil
        }
    }

    private func run(
        _ calls: [Call],
        _ range: Range<Int>,
        _ state: inout State,
        on test: TestRegistry
    ) async throws -> Failure? {
        switch transport {
        case .inProcess:
            return try await run(calls, range, &state, with: InProcessClient(test.registry))
        case .live:
            return try await withServer(of: test, on: .tcp(host: "127.0.0.1", port: 0, isLoopback: true)) {
                try await run(calls, range, &state, with: $0.client)
            }
        }
    }

    private func run(
        _ calls: [Call],
        _ range: Range<Int>,
        _ state: inout State,
        with client: some TestClient
    ) async throws -> Failure? {
        for index in range {
            let call = calls[index]
            let sessions = state.sessions
            guard let expected = state.model.answer(call),
                let request = call.request(address: { sessions[$0] ?? Self.nobody })
            else { continue }
            let reply = try await client.send(request)
            var session = call.session.flatMap { sessions[$0] } ?? Self.nobody
            if let opened = expected.opensSession, let id = reply["Docker-Upload-UUID"] {
                session = id
                state.sessions[opened] = id
            }
            var isRight = expected.matches(reply, session: session)
            if case .referrers(let named, let tagged, _) = expected.content, isRight {
                let all = (named + tagged).map(\.digest).sorted()
                isRight = try await isWhole(reply, all, client)
            }
            if !isRight { return Failure(index: index, expected: expected, actual: reply) }
        }
        return nil
    }

    /// A session that nobody opened.
    private static let nobody = "00000000-0000-4000-8000-000000000000"

    /// Whether a list with all the pages that it leads to names everything, once.
    private func isWhole(
        _ first: TestReply,
        _ digests: [String],
        _ client: some TestClient
    ) async throws -> Bool {
        guard first["Link"] != nil else { return true }
        var found: [String] = []
        var reply = first
        // Each page has one entry at least.
        for _ in 0...digests.count {
            let index = try JSONSerialization.jsonObject(with: Data(reply.content)) as? [String: Any]
            let entries = index?["manifests"] as? [[String: Any]] ?? []
            found += entries.compactMap { $0["digest"] as? String }
            guard let link = reply["Link"] else { break }
            guard link.hasPrefix("</v2/"), link.hasSuffix(">; rel=\"next\"") else { return false }
            reply = try await client.send("GET", String(link.dropFirst().prefix { $0 != ">" }))
        }
        return found.sorted() == digests
    }
}

extension Call {
    fileprivate var isRestart: Bool { if case .restart = self { true } else { false } }

    /// The session that it is about.
    fileprivate var session: Int? {
        switch self {
        case .append(_, let session, _), .finish(_, let session, _, _), .readUpload(_, let session, _),
            .cancelUpload(_, let session):
            session
        default: nil
        }
    }
}

// MARK: Failures that people read

extension CallRunner {
    /// The shortest sequence that shows what a failing one shows.
    func shrink(_ calls: [Call], _ failure: Failure) async throws -> [Call] {
        let failing = Array(calls[...failure.index])
        // What only looked cannot have prepared anything.
        let changing = failing.dropLast().filter { !$0.isReading } + failing.suffix(1)
        let start = try await run(changing) == nil ? failing : changing
        var shrinker = Shrinker<Call>(
            simpler: { $0.simpler },
            simplerThroughout: Call.simpler,
            fails: { try await run($0) != nil }
        )
        return try await shrinker.shrink(start)
    }

    /// A failing sequence in lines: one a call, and what came in place of what.
    func report(_ calls: [Call]) async throws -> String {
        guard let failure = try await run(calls) else { return "it does not fail every time" }
        var lines = ["deletes \(model.allowsDeletes ? "allowed" : "denied"), \(transport)"]
        lines += calls[...failure.index].enumerated().map { "\($0.offset + 1). \($0.element)" }
        lines.append("   expected \(failure.expected)")
        lines.append("   got      \(failure.actual.status) \(failure.actual.text.debugDescription)")
        lines += failure.actual.fields.all.map { "            \($0.name): \($0.value)" }
        return lines.joined(separator: "\n")
    }
}
