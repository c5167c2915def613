package drive

const (
	DriveScope     = "https://www.googleapis.com/auth/drive"
	DriveFileScope = "https://www.googleapis.com/auth/drive.file"
)
