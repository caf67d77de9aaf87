import Glibc

/// A file descriptor that is closed when nobody holds it any more.
package final class OpenFile: Sendable {
    package let descriptor: CInt
    package let path: String

    /// Takes over a descriptor.
    package init(owning descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }
}
