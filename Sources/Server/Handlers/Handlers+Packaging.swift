import Hummingbird

extension Handlers {
    func packageExecutable(_ path: [String]) async throws -> Response { throw EndpointError.unknownPath }

    func welcome() -> Response { .empty(.ok) }
}
