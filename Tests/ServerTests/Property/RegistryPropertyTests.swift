import Foundation
import TestSupport
import Testing

/// Random sequences of right and wrong calls against a model of what a registry is.
@Suite("The registry in random use")
struct RegistryPropertyTests {
    /// `BERTH_TEST_STEPS` of the environment asks for more.
    static let steps = ProcessInfo.processInfo.environment["BERTH_TEST_STEPS"].flatMap { Int($0) } ?? 3000

    /// Each sequence begins with an empty registry.
    private static let stepsOfSequence = 200

    @Test("answers as the model does, call by call, and holds what the model holds")
    func random() async throws {
        let seed = TestSeed.current
        print("random calls to the registry: \(seed), BERTH_TEST_STEPS=\(Self.steps)")
        for number in 0..<max(1, Self.steps / Self.stepsOfSequence) {
            var generator = CallGenerator(seed.random(number))
            let model = RegistryModel(allowsDeletes: number % 4 != 3)
            let runner = CallRunner(transport: number % 6 == 5 ? .live : .inProcess, model: model)
            let calls = generator.calls(Self.stepsOfSequence, model)
            guard let failure = try await runner.run(calls) else { continue }
            let shortest = try await runner.shrink(calls, failure)
            Issue.record("\(seed), sequence \(number)\n\(try await runner.report(shortest))")
            return
        }
    }

    @Test("is called rightly and wrongly in every way that the model tells apart")
    func coverage() {
        let seed = TestSeed.current
        var counts: [String: Int] = [:]
        for number in 0..<30 {
            var generator = CallGenerator(seed.random(number))
            var model = RegistryModel(allowsDeletes: number % 4 != 3)
            for call in generator.calls(Self.stepsOfSequence, model) {
                guard let answer = model.answer(call) else { continue }
                let kind = "\(call)".prefix { $0 != " " } + (call.isOfUpload ? " upload" : "")
                var code = ""
                if case .error(let error) = answer.content { code = " \(error)" }
                counts["\(kind) \(answer.status)\(code)", default: 0] += 1
            }
        }
        let expected = [
            "POST upload 201", "POST upload 202", "POST upload 400 DIGEST_INVALID", "PATCH upload 202",
            "PATCH upload 400 SIZE_INVALID", "PATCH upload 404 BLOB_UPLOAD_UNKNOWN",
            "PATCH upload 416 BLOB_UPLOAD_INVALID", "PUT upload 201", "PUT upload 400 DIGEST_INVALID",
            "PUT upload 400 SIZE_INVALID", "PUT upload 404 BLOB_UPLOAD_UNKNOWN",
            "PUT upload 416 BLOB_UPLOAD_INVALID", "GET upload 204", "HEAD upload 204", "DELETE upload 204",
            "GET 200", "GET 206", "GET 304", "GET 416 SIZE_INVALID", "GET 404 BLOB_UNKNOWN",
            "GET 404 MANIFEST_UNKNOWN", "GET 404 NAME_UNKNOWN", "GET 400 PAGINATION_NUMBER_INVALID",
            "HEAD 200", "HEAD 304", "HEAD 404", "PUT 201", "PUT 400 MANIFEST_INVALID",
            "PUT 400 DIGEST_INVALID",
            "PUT 404 MANIFEST_BLOB_UNKNOWN", "PUT 409 DENIED", "DELETE 202", "DELETE 404 BLOB_UNKNOWN",
            "DELETE 404 MANIFEST_UNKNOWN", "DELETE 409 DENIED", "DELETE 405 UNSUPPORTED",
        ]
        let missing = expected.filter { counts[$0] == nil }
        #expect(missing.isEmpty, "\(seed): \(missing) of \(counts.sorted { $0.key < $1.key })")
    }

    @Test(
        "A mistake in the model is found, and shown in as few calls as it takes",
        arguments: [
            (.tagOwnsManifest, 3...3), (.blobIsEverywhere, 2...2), (.restartForgets, 4...4),
        ] as [(RegistryModel.Fault, ClosedRange<Int>)]
    )
    func planted(_ fault: RegistryModel.Fault, _ length: ClosedRange<Int>) async throws {
        let runner = CallRunner(transport: .inProcess, model: RegistryModel(fault: fault))
        for number in 0..<50 {
            var generator = CallGenerator(TestSeed(1).random(number))
            let calls = generator.calls(120, runner.model)
            guard let failure = try await runner.run(calls) else { continue }
            let shortest = try await runner.shrink(calls, failure)
            let report = try await runner.report(shortest)
            #expect(length.contains(shortest.count), "\(report)")
            #expect(report.contains("\(shortest.count). ") && report.contains("expected"), "\(report)")
            return
        }
        Issue.record("\(fault) was not found")
    }
}

extension Call {
    fileprivate var isOfUpload: Bool { "\(self)".contains("/blobs/uploads") }
}
