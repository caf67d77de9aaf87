package import Hummingbird
package import NIOCore

/// What a handler knows of a request beside the request.
package struct RegistryRequestContext: InitializableFromSource {
    package typealias Source = ApplicationRequestContextSource

    /// The connection that it came on.
    package let channel: any Channel

    package init(source: Source) { channel = source.channel }
}
