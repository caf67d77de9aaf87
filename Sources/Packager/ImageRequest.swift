/// What an image is to be made of, before the first byte of the program has come.
package struct ImageRequest: Hashable, Sendable {
    package let name: ExecutableName
    package let options: PackagingOptions
    /// The program's size in bytes, as announced.
    package let size: UInt64

    package init(name: ExecutableName, options: PackagingOptions = PackagingOptions(), size: UInt64) {
        self.name = name
        self.options = options
        self.size = size
    }
}
